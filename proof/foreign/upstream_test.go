package foreign_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"piway/agent/agent"
	"piway/gateway/demo"
	"piway/gateway/gateway"
	"piway/proof/world"
	"piway/shared/config"
	"piway/shared/pki"
	"piway/shared/testlog"
)

// TestGateway_mosquittoUpstream puts Debian's broker in AWS's place, with client certificates required: what the
// gateway publishes there is read by Debian's mosquitto_sub, in the form that the topic rule reads.
func TestGateway_mosquittoUpstream(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	dir := t.TempDir()
	certs := filepath.Join(dir, "certs")
	if err := pki.MakeAWS(certs, nil); err != nil {
		t.Fatal(err)
	}
	addrs, err := world.FreePorts(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	var said testlog.Log
	broker, reader, err := world.Mosquitto(dir, certs, addrs[0], nil, &said)
	if errors.Is(err, world.ErrNoMosquitto) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	world.Run(t, broker)
	world.Run(t, reader)

	log := slog.New(slog.DiscardHandler)
	cfg := demo.Config(dir, certs)
	cfg.Uplink.Endpoint = addrs[0]
	cfg.Rollup.Window, cfg.Rollup.Grace = time.Second, time.Second
	g, err := gateway.Open(ctx, cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	kitchen := agent.Default()
	kitchen.Spool.Dir = ""
	kitchen.Device, kitchen.Collect.Interval = "kitchen", demo.Interval
	password, err := g.AddDevice(kitchen.Device, true)
	if err != nil {
		t.Fatal(err)
	}
	kitchen.Gateway.Address, kitchen.Gateway.Password = g.Addr().String(), config.Secret(password)
	programs, stop := context.WithCancel(ctx)
	ended := make(chan error, 2)
	go func() { ended <- g.Run(programs) }()
	go func() { ended <- agent.Run(programs, kitchen, log) }()
	defer func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				t.Errorf("at the end: %v", err)
			}
		}
	}()

	for _, name := range []string{"cpu usage (kitchen)", "memory usage (kitchen)", "disk usage / (kitchen)"} {
		checkMetric(t, said.Want(ctx, t, `"name":"`+name+`"`))
	}
}

// checkMetric holds the message to the recipe's form.
func checkMetric(t *testing.T, line string) {
	t.Helper()
	m := map[string]string{} // all members are strings
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	for _, field := range []string{"unit", "value", "timestamp", "samples"} {
		if m[field] == "" {
			t.Errorf("%s: no %s", line, field)
		}
	}
	if m["device"] != "kitchen" || len(m) != 6 {
		t.Errorf("%s: want name, unit, value, timestamp, samples and the device kitchen", line)
	}
}
