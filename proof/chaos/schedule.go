package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"piway/proof/world"
)

// An event is something that goes wrong. It returns when it is over.
type event struct {
	kind string
	do   func(ctx context.Context) error
}

// Pauses between two events.
const minPause, maxPause = 300 * time.Millisecond, 2 * time.Second

// A track is a row of events, one after the other; the tracks go on at the same time. The same seed gives the same
// events, in the same order and of the same length; when each comes depends on how long the programs take to start.
type track struct {
	rng    *rand.Rand
	events []event
	counts map[string]int
	log    func(string)
}

// only keeps the events whose name holds a text.
func (t *track) only(text string) {
	t.events = slices.DeleteFunc(t.events, func(e event) bool { return !strings.Contains(e.kind, text) })
}

// run lets one event after the other happen until living ends.
func (t *track) run(ctx, living context.Context) error {
	for len(t.events) > 0 {
		world.Wait(living, t.between(minPause, maxPause))
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
	return nil
}

// between returns a length of time in [from, to).
func (t *track) between(from, to time.Duration) time.Duration {
	return from + time.Duration(t.rng.Int64N(int64(to-from)))
}

func (t *track) add(kind string, do func(ctx context.Context) error) {
	t.events = append(t.events, event{kind, do})
}

func newTrack(seed uint64, number uint64, log func(string)) *track {
	return &track{rng: rand.New(rand.NewPCG(seed, number)), counts: map[string]int{}, log: log} //nolint:gosec // to be the same again
}

func nothing() error { return nil }

// restart kills a program and starts it again, with something in between.
func (t *track) restart(p *world.Process, between func() error) func(context.Context) error {
	return func(ctx context.Context) error {
		p.Kill()
		world.Wait(ctx, t.between(0, time.Second))
		if err := between(); err != nil {
			return err
		}
		return p.Start(ctx)
	}
}

// processes is the track that kills, sets clocks and spoils the disk.
func (w *site) processes(seed uint64, flips bool, log func(string)) *track {
	t := newTrack(seed, 1, log)
	t.add("gateway killed", t.restart(w.gateway, nothing))
	t.add(w.upstream.ended(), func(ctx context.Context) error {
		w.upstream.stop()
		world.Wait(ctx, t.between(0, time.Second))
		return w.upstream.programs[0].Start(ctx)
	})
	for _, a := range w.agents {
		t.add("agent killed", t.restart(a.Process, nothing))
	}
	w.clocks(t)
	w.disks(t)
	if flips {
		t.add("byte flipped in the log", t.restart(w.gateway, func() error { return w.flip(t.rng) }))
	}
	return t
}

// disks adds what a disk does.
func (w *site) disks(t *track) {
	if w.disk.real != "" {
		t.add("disk full", func(ctx context.Context) error {
			w.disk.fill()
			world.Wait(ctx, t.between(time.Second, 3*time.Second))
			w.disk.free()
			return nil
		})
	}
	if w.disk.faults == nil {
		return
	}
	cut := t.restart(w.gateway, func() error { return w.disk.faults.Cut() })
	t.add("power cut", cut)
	t.add("disk errors", func(ctx context.Context) error { return w.disk.errors(ctx, t) })
	t.add("disk errors, then a power cut", func(ctx context.Context) error {
		if err := w.disk.errors(ctx, t); err != nil {
			return err
		}
		world.Wait(ctx, t.between(0, 3*time.Second))
		return cut(ctx)
	})
}

// flip changes a bit in the last quarter of the store's write-ahead log.
func (w *site) flip(rng *rand.Rand) error {
	path := filepath.Join(w.data, "queue.db-wal")
	text, err := os.ReadFile(path)
	if err != nil || len(text) < 4 {
		return nil //nolint:nilerr // then there is nothing to flip
	}
	text[len(text)-1-rng.IntN(len(text)/4)] ^= 1 << rng.IntN(8)
	return os.WriteFile(path, text, 0o600)
}

// lines is the track of the network, and of what AWS does.
func (w *site) lines(seed uint64, log func(string)) *track {
	t := newTrack(seed, 2, log)
	for _, l := range []struct {
		name  string
		proxy *world.Proxy
	}{{"LAN", w.lan}, {"internet", w.wan}} {
		t.add(l.name+" reset", func(context.Context) error { l.proxy.Reset(); return nil })
		t.add(l.name+" black hole", blackhole(l.proxy,
			func() time.Duration { return t.between(500*time.Millisecond, 5*time.Second) }))
	}
	if w.upstream.http == "" {
		return t
	}
	for _, fault := range []string{"withhold", "delay", "close", "refuse"} {
		t.add("AWS: "+fault, func(ctx context.Context) error {
			length := t.between(500*time.Millisecond, 3*time.Second).Round(time.Millisecond)
			value := map[string]string{"delay": "200ms"}[fault]
			w.upstream.fault(ctx, fault, length, value)
			world.Wait(ctx, length)
			return nil
		})
	}
	return t
}

// stalls is the track of the agents' LAN, where lines may be dead for long. A stall begins when all agents are
// connected and have had time to send, so that it finds something under way.
func (w *site) stalls(living context.Context, seed uint64, log func(string)) *track {
	t := newTrack(seed, 3, log)
	for _, longest := range []time.Duration{8 * time.Second, 24 * time.Second} {
		stall := blackhole(w.far, func() time.Duration { return t.between(4*time.Second, longest) })
		t.add("agents' LAN stalled", func(context.Context) error {
			if err := world.Poll(living, "the agents to connect",
				func() (bool, error) { return w.far.Lines() >= len(w.agents), nil }); err != nil {
				return nil //nolint:nilerr // the end of the run
			}
			world.Wait(living, 1500*time.Millisecond)
			return stall(living)
		})
	}
	t.add("agents' LAN reset", func(context.Context) error { w.far.Reset(); return nil })
	return t
}

// blackhole lets nothing through a line for a time.
func blackhole(p *world.Proxy, length func() time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		p.Blackhole(true)
		world.Wait(ctx, length())
		p.Blackhole(false)
		return nil
	}
}

// heal ends all that may still go on.
func (w *site) heal(ctx context.Context) error {
	for _, line := range []*world.Proxy{w.lan, w.wan, w.far} {
		line.Blackhole(false)
	}
	w.disk.heal()
	if err := w.clock.right(); err != nil {
		return err
	}
	for _, p := range w.programs() {
		if !p.Running() {
			if err := p.Start(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
