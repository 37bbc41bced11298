package trial

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"piway/gateway/gateway"
	"piway/gateway/settings"
	"piway/shared/service"
)

// A bench is a machine whose services run in this process.
type bench struct {
	t      *testing.T
	config string
	certs  string
	port   int
	user   string // whom the units are of
	out    bytes.Buffer
	before func(what string) // called before each thing that the units are asked for

	mu      sync.Mutex
	running map[string]func() // what ends a unit and waits for it
	asked   []string
}

var quiet = slog.New(slog.DiscardHandler)

const noted = "# mine\nuplink:\n  # where the key is\n  certs: {dir: %s} # not elsewhere\n"

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{
		t: t, config: filepath.Join(dir, "gateway.yaml"), certs: filepath.Join(dir, "certs"), running: map[string]func(){},
		before: func(string) {},
	}
	b.write(fmt.Sprintf(noted, b.certs) + fmt.Sprintf("data: {dir: %s}\nbroker: {listen_tls: '127.0.0.1:0', "+
		"listen: '127.0.0.1:0', mdns: false}\nintake: {trust_clock: true}\n", filepath.Join(dir, "data")))
	cfg := b.load()
	for b.port = 20000 + os.Getpid()%20000; free(&cfg, b.port) != nil; b.port += 2 {
	}
	t.Cleanup(func() {
		for _, end := range b.running {
			end()
		}
	})
	return b
}

func (b *bench) write(text string) {
	b.t.Helper()
	if err := os.WriteFile(b.config, []byte(text), 0o640); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) read() string {
	b.t.Helper()
	text, err := os.ReadFile(b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

func (b *bench) load() settings.Config {
	b.t.Helper()
	cfg, err := settings.Load(b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	return cfg
}

func (b *bench) options() Options {
	return Options{Config: b.config, Port: b.port, Out: &b.out, Look: b.look, Restart: b.restart, Stop: b.stop}
}

func (b *bench) look(ctx context.Context, unit, _ string) (*service.Unit, error) {
	b.before("look " + unit)
	b.mu.Lock()
	defer b.mu.Unlock()
	return &service.Unit{Active: b.running[unit] != nil, User: b.user}, ctx.Err()
}

func (b *bench) restart(ctx context.Context, unit, config string, _ io.Writer) (bool, error) {
	b.before("restart " + unit)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	b.end(unit)
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, "restart "+unit)
	b.running[unit] = func() { cancel(); <-ended }
	go func() {
		defer close(ended)
		var err error
		if unit == trialUnit {
			err = Serve(running, config, quiet)
		} else {
			err = gateway.Supervise(running, b.load(), quiet)
		}
		if err != nil {
			b.t.Errorf("%s: %v", unit, err)
		}
	}()
	return true, nil
}

func (b *bench) stop(ctx context.Context, unit, _ string, _ io.Writer) (bool, error) {
	b.before("stop " + unit)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	b.end(unit)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, "stop "+unit)
	return true, nil
}

func (b *bench) end(unit string) {
	b.mu.Lock()
	end := b.running[unit]
	delete(b.running, unit)
	b.mu.Unlock()
	if end != nil {
		end()
	}
}

// expect compares what the units were asked for since the last time.
func (b *bench) expect(when string, want ...string) {
	b.t.Helper()
	if !slices.Equal(b.asked, want) {
		b.t.Errorf("%s: got %q, want %q", when, b.asked, want)
	}
	b.asked = nil
}
