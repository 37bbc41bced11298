package gateway

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/ctl"
	"piway/shared/sample"
)

// Two machines under one name are told once, and shown by the device list.
func TestGateway_twins(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	p := w.gateway(&cfg, "kitchen", "attic")
	moment := p.now()
	at := moment.SinceBoot
	for i := range 10 {
		at += time.Minute
		moment.SinceBoot = at
		for _, device := range []string{"kitchen", "attic"} {
			boot := "same"
			if device == "kitchen" {
				boot = fmt.Sprint("boot ", i%2)
			}
			v := p.intake.Judge(device, nil, moment)
			v.Report = sample.Report{Device: device, Boot: boot, SentUptime: 5}
			p.lookForTwins(&v, moment)
		}
	}
	line := p.said.Want(ctx, t, "two machines speak under the name of one device", "device=kitchen",
		"one=127.0.0.1", "other=127.0.0.1", "try=\"a name of its own for each: piway-gateway device add NAME")
	if !strings.Contains(line, "level=WARN") || len(p.said.With("two machines speak")) != 1 {
		t.Errorf("told %q", p.said.With("two machines speak"))
	}
	by, err := ctl.Twins(ctx, cfg.Data.Dir)
	if err != nil || len(by) != 1 || by["kitchen"] != [2]string{"127.0.0.1", "127.0.0.1"} {
		t.Errorf("the device list shows %v, %v", by, err)
	}
	p.stop()
	if by, err := ctl.Twins(ctx, cfg.Data.Dir); err != nil || len(by) > 0 {
		t.Errorf("of a stopped gateway: %v, %v", by, err)
	}
}

// An agent's report tells its boot while it runs in it, which is how two are told apart.
func TestGateway_twins_fromTheWire(t *testing.T) {
	t.Parallel()
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	p := w.gateway(&cfg, "kitchen")
	kept := make(chan error, 1)
	const report = `{"run":"r","seq":1,"boot":"b","uptime":5,"sent_uptime":6,"samples":[]}`
	p.handle("kitchen", []byte(report), func(err error) { kept <- err })
	if err := <-kept; err != nil {
		t.Fatal(err)
	}
	at, two := p.now().SinceBoot, false
	for _, boot := range []string{"c", "b", "c", "b"} { // with the one from the wire three that come back
		at += time.Minute
		r := sample.Report{Boot: boot, SentUptime: 1}
		_, two = p.twins.Heard("kitchen", &r, func() string { return "host" }, at)
	}
	if !two {
		t.Error("what came from the wire was not heard")
	}
}
