package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"piway/proof/world"
	"piway/shared/sample"
)

func piwayPeers() []peer {
	return []peer{
		{"piway-metric", "defaults, form metric", nil, piwayOf("metric", "")},
		{"piway-emf", "defaults, form emf", nil, piwayOf("emf", "")},
	}
}

// piwayConfig is the default but for where things are, and for the clock, which this machine vouches for. A grace no
// longer than a window is for tests, which have short ones.
const piwayConfig = `
data: {dir: %[1]s}
broker: {listen_tls: "127.0.0.1:0", listen: "%[2]s"}
intake: {trust_clock: true, clock_tolerance: %[3]s}
rollup: {window: %[4]s, grace: %[3]s}
uplink: {endpoint: "127.0.0.1:%[5]d", certs: {dir: %[6]s}, form: %[7]s, canary: 0s%[8]s}
`

// defaultGrace is rollup.grace, and intake.clock_tolerance.
const defaultGrace = 10 * time.Second

// liveFor is how long the gateway takes a window for live after it closed.
const liveFor = 30 * time.Second

func (l load) grace() time.Duration { return min(defaultGrace, l.window) }

// A piway is a gateway.
type piway struct {
	proc      *world.Process
	data      string
	addr      string
	load      load
	passwords map[string]string
	seq       map[int]int64
}

// piwayOf starts one; more are further settings of the uplink.
func piwayOf(form, more string) func(context.Context, *site) (forwarder, error) {
	return func(ctx context.Context, s *site) (forwarder, error) {
		addrs, err := world.FreePorts(ctx, 1)
		if err != nil {
			return nil, err
		}
		g := &piway{data: filepath.Join(s.dir, "data"), addr: addrs[0], load: s.load, seq: map[int]int64{}}
		var names []string
		for i := range s.load.pis {
			names = append(names, piName(i))
		}
		if g.passwords, err = world.AddDevices(g.data, names...); err != nil {
			return nil, err
		}
		file := filepath.Join(s.dir, "gateway.yaml")
		text := fmt.Sprintf(piwayConfig, g.data, g.addr, s.load.grace(), s.load.window, s.upstream.port, s.upstream.certs,
			form, more)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("writing the gateway's configuration: %w", err)
		}
		g.proc = world.Gateway(s.programs.gateway, file, s.log.Of("gateway"))
		if err := g.proc.Start(ctx); err != nil {
			g.close()
			return nil, err
		}
		return g, nil
	}
}

func (g *piway) door() door {
	return door{
		broker:   g.addr,
		password: func(pi string) string { return g.passwords[pi] },
		messages: g.report,
	}
}

// report is what an agent sends at a tick.
func (g *piway) report(pi int, tick int64) ([]message, error) {
	g.seq[pi]++
	ids, samples := g.load.samples(pi, tick)
	r := sample.Report{
		Device: piName(pi), Run: "outage", Seq: g.seq[pi], Sent: float64(tick), Clock: sample.Synced,
		Samples: samples,
	}
	payload, err := r.JSON()
	if err != nil {
		return nil, err
	}
	return []message{{"pi/" + piName(pi) + "/samples", payload, ids}}, nil
}

func (g *piway) kill(ctx context.Context) error {
	g.proc.Kill()
	return g.proc.Start(ctx)
}

func (g *piway) revive(context.Context) (bool, error) { return false, nil }
func (g *piway) step() time.Duration                  { return 0 }
func (g *piway) tick(context.Context) error           { return nil }
func (g *piway) written() int64                       { return g.proc.Written() }

// settled waits until the ledger says that nothing waits; it has to balance at every look.
func (g *piway) settled(ctx context.Context) error {
	_, err := world.Drained(ctx, g.data, nil)
	return err
}

func (g *piway) close() {
	if g.proc != nil {
		_ = g.proc.Stop() // all that matters is counted
	}
}
