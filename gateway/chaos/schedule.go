package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"piway/gateway/rig"
)

// An event is something that goes wrong. It returns when it is over.
type event struct {
	kind string
	do   func(ctx context.Context) error
}

// Pauses between two events.
const minPause, maxPause = 300 * time.Millisecond, 2 * time.Second

// A track is a row of events, one after the other; two tracks go on at the same time. The same seed gives the same events, in
// the same order and of the same length; when each comes depends on how long the programs take to start.
type track struct {
	rng    *rand.Rand
	events []event
	counts map[string]int
	log    func(string)
}

// run lets one event after the other happen until living ends.
func (t *track) run(ctx, living context.Context) error {
	for {
		wait(living, t.between(minPause, maxPause))
		if living.Err() != nil {
			return nil
		}
		e := t.events[t.rng.IntN(len(t.events))]
		t.counts[e.kind]++
		t.log(e.kind)
		if err := e.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", e.kind, err)
		}
	}
}

// between returns a length of time in [from, to).
func (t *track) between(from, to time.Duration) time.Duration {
	return from + time.Duration(t.rng.Int64N(int64(to-from)))
}

func newTrack(seed uint64, number uint64, log func(string)) *track {
	return &track{rng: rand.New(rand.NewPCG(seed, number)), counts: map[string]int{}, log: log} //nolint:gosec // to be the same again
}

// processes is the track that kills, sets clocks and fills the disk.
func (w *world) processes(seed uint64, flips bool, log func(string)) *track {
	t := newTrack(seed, 1, log)
	restart := func(p *rig.Process, between func() error) func(context.Context) error {
		return func(ctx context.Context) error {
			p.Kill()
			wait(ctx, t.between(0, time.Second))
			if err := between(); err != nil {
				return err
			}
			return p.Start(ctx)
		}
	}
	nothing := func() error { return nil }
	t.events = []event{
		{"gateway killed", restart(w.gateway, nothing)},
		{"localcore killed", restart(w.core, nothing)},
		{"gateway's clock stepped", restart(w.gateway, func() error {
			w.gateway.Env = []string{fmt.Sprintf("PIWAY_CLOCK=%s,synced", t.between(-time.Hour, time.Hour).Round(time.Second))}
			return nil
		})},
	}
	for _, agent := range w.agents {
		t.events = append(t.events,
			event{"agent killed", restart(agent, nothing)},
			event{"agent's clock stepped", restart(agent, func() error {
				state := []string{"synced", "unsynced"}[t.rng.IntN(2)]
				step := t.between(-time.Hour, time.Hour).Round(time.Second)
				if state == "synced" {
					step = 0 // a clock that is right is where it is
				}
				agent.Env = []string{fmt.Sprintf("PIWAY_CLOCK=%s,%s", step, state)}
				return nil
			})})
	}
	if w.disk.mounted {
		t.events = append(t.events, event{"disk full", func(ctx context.Context) error {
			w.disk.fill()
			wait(ctx, t.between(time.Second, 3*time.Second))
			w.disk.free()
			return nil
		}})
	}
	if flips {
		t.events = append(t.events, event{"byte flipped in the log", restart(w.gateway, func() error { return w.flip(t.rng) })})
	}
	return t
}

// flip changes a bit in the last quarter of the store's write-ahead log.
func (w *world) flip(rng *rand.Rand) error {
	path := filepath.Join(w.data, "queue.db-wal")
	text, err := os.ReadFile(path)
	if err != nil || len(text) < 4 {
		return nil //nolint:nilerr // then there is nothing to flip
	}
	text[len(text)-1-rng.IntN(len(text)/4)] ^= 1 << rng.IntN(8)
	return os.WriteFile(path, text, 0o600) //nolint:gosec // our own folder
}

// lines is the track of the network, and of what AWS does.
func (w *world) lines(seed uint64, log func(string)) *track {
	t := newTrack(seed, 2, log)
	for _, l := range []struct {
		name  string
		proxy *rig.Proxy
	}{{"LAN", w.lan}, {"internet", w.wan}} {
		t.events = append(t.events,
			event{l.name + " reset", func(context.Context) error { l.proxy.Reset(); return nil }},
			event{l.name + " black hole", func(ctx context.Context) error {
				l.proxy.Blackhole(true)
				wait(ctx, t.between(500*time.Millisecond, 5*time.Second))
				l.proxy.Blackhole(false)
				return nil
			}})
	}
	for _, fault := range []string{"withhold", "delay", "close", "refuse"} {
		t.events = append(t.events, event{"AWS: " + fault, func(ctx context.Context) error {
			length := t.between(500*time.Millisecond, 3*time.Second).Round(time.Millisecond)
			value := map[string]string{"delay": "200ms"}[fault]
			w.fault(ctx, fault, length, value)
			wait(ctx, length)
			return nil
		}})
	}
	return t
}

// heal ends all that may still go on.
func (w *world) heal(ctx context.Context) error {
	w.lan.Blackhole(false)
	w.wan.Blackhole(false)
	w.disk.free()
	for _, p := range slices.Concat([]*rig.Process{w.core, w.gateway}, w.agents) {
		if !p.Running() {
			if err := p.Start(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
