package gateway

import (
	"context"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"piway/agent/agent"
	"piway/gateway/cloud"
	"piway/gateway/control"
	"piway/gateway/queue/ledger"
	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/sample"
	"piway/shared/testlog"
)

// large is how many samples an earlier agent put into one report: several times what the gateway takes. Each halving by
// bytes costs a connection, and a second of waiting.
const large = 120

// A gateway that takes less than an agent packed before it heard of it, by number or by bytes: all arrives, once.
func TestLimits_backlogOfLargeReports(t *testing.T) {
	t.Parallel()
	for name, shrink := range map[string]func(*settings.Config){
		"samples": func(c *settings.Config) { c.Intake.MaxSamples = 10 },
		"bytes":   func(c *settings.Config) { c.Broker.MaxPacket = 2 << 10 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			cfg := worldConfig(cloud.Metric)
			w := newWorld(t, nil, nil, &cfg)
			p := w.unchecked(&cfg, shrink)
			said, stop := w.agent(p, "kitchen", large)
			got := p.await(ctx, "kitchen", func(a ledger.Account) bool { return a.Stored == large }, said)
			stop()
			if got.Duplicate != 0 || got.Missing != 0 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// unchecked runs a gateway with bounds that its own configuration would not let through, as an earlier version did.
func (w *world) unchecked(cfg *settings.Config, shrink func(*settings.Config)) *place {
	w.t.Helper()
	shrink(cfg)
	p := &place{t: w.t, cfg: cfg, said: new(testlog.Log)}
	var err error
	if p.Gateway, err = Open(w.t.Context(), *cfg, slog.New(slog.NewTextHandler(p.said, nil))); err != nil {
		w.t.Fatal(err)
	}
	p.stop = w.serve("gateway", p.Run)
	return p
}

// agent runs one that has a report of n samples in its spool, of an earlier run, and reads nothing itself.
func (w *world) agent(p *place, device string, n int) (said *testlog.Log, stop func()) {
	w.t.Helper()
	password, err := p.AddDevice(device, true)
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := agent.Default()
	cfg.Device, cfg.Gateway.Address, cfg.Gateway.Password = device, p.broker.Addr().String(), config.Secret(password)
	cfg.Collect.Interval, cfg.Collect.Disks = 24*time.Hour, []string{w.dir}
	cfg.Spool.Dir = w.t.TempDir()
	r := sample.Report{Device: device, Run: "earlier", Seq: 1, Boot: "b", Uptime: 1000, Clock: sample.Synced}
	now := float64(time.Now().Unix())
	for i := range n {
		r.Samples = append(r.Samples, sample.Sample{Name: "n", Unit: "Count", Value: float64(i), Time: now - float64(n-i)})
	}
	text, err := r.JSON()
	if err != nil {
		w.t.Fatal(err)
	}
	line := fmt.Sprintf("%08x %s\n", crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)), text)
	if err := os.WriteFile(filepath.Join(cfg.Spool.Dir, "000000000001.spool"), []byte(line), 0o600); err != nil {
		w.t.Fatal(err)
	}
	said = new(testlog.Log)
	log := slog.New(slog.NewTextHandler(said, nil))
	return said, w.serve("agent", func(ctx context.Context) error { return agent.Run(ctx, cfg, log) })
}

// await waits until a device's account is as wanted.
func (p *place) await(ctx context.Context, device string, good func(ledger.Account) bool,
	said *testlog.Log,
) ledger.Account {
	p.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var all []ledger.Account
		if err := control.Call(ctx, p.cfg.Data.Dir, "GET", "/ledger", nil, &all); err != nil {
			p.t.Fatal(err)
		}
		if err := ledger.Balance(all); err != nil {
			p.t.Fatal(err)
		}
		for _, a := range all {
			if a.Device == device && good(a) {
				return a
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.t.Fatalf("the ledger is %+v; the agent said %q", all, said.With())
		}
	}
}
