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
	const report = `{"run":"r","seq":1,"boot":"b","uptime":5,"sent_uptime":6,"samples":[]}`
	at := p.now().SinceBoot - time.Hour
	for _, boot := range []string{"b", "c", "b", "c"} { // two that come back
		at += time.Minute
		r := sample.Report{Boot: boot, SentUptime: 1}
		if _, two := p.twins.Heard("kitchen", &r, func() string { return "host" }, at); two {
			t.Error("two returns are enough")
		}
	}
	p.takeText("kitchen", report)
	var out strings.Builder
	if err := ctl.Ledger(t.Context(), cfg.Data.Dir, false, &out); err != nil ||
		!strings.Contains(out.String(), "kitchen: 1 reports showed that two machines speak under its name\n  try: ") {
		t.Errorf("what came from the wire was not heard: %v\n%s", err, out.String())
	}
}
