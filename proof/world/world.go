// Package world is what the proofs stand on: the programs as real processes, lines between them that can be cut, a
// stand-in for AWS, devices whose samples can each be told from all others, and a book of what was acknowledged and
// what arrived how often.
//
// Its one promise: what the book says is exact. A sample counts as acknowledged when its device got the PUBACK, as
// arrived when CloudWatch took it, and as nothing else. What it starts ends with the process that started it.
package world

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"piway/localcore/localcore"
)

// Long says that the proofs are to run in their long forms, as make proof has them.
func Long() bool { return os.Getenv("PIWAY_LONG") != "" }

// Built returns the programs, which it builds if need be.
func Built(t testing.TB) Programs {
	t.Helper()
	p, err := Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	readTree()
	return p
}

// readTree reads the folders of the module. The go command knows what a test reads, and not what it builds: without
// this it would take a result from its cache after the source of a program changed.
func readTree() {
	_ = filepath.WalkDir("../..", func(_ string, d fs.DirEntry, err error) error { // a hole is no harm
		if err == nil && d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		return nil
	})
}

// Tool returns the path of a program, without which the test is skipped.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path := LookTool(name)
	if path == "" {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// readyTime is how long a program may take to be ready.
const readyTime = time.Minute

// Run starts a program and kills it when the test ends.
func Run(t testing.TB, p *Process) {
	t.Helper()
	t.Cleanup(p.Kill)
	ctx, cancel := context.WithTimeout(t.Context(), readyTime)
	defer cancel()
	if err := p.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

// Core runs a localcore without policy until the test ends, and returns its address and its certificates. Where it
// listens and its certificates lie is not the configuration's to say.
func Core(t testing.TB, cfg localcore.Config) (endpoint, certs string) {
	t.Helper()
	cfg.Listen, cfg.HTTP, cfg.Certs = "127.0.0.1:0", "127.0.0.1:0", filepath.Join(t.TempDir(), "certs")
	c, stop, err := OpenCore(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("localcore: %v", err)
		}
	})
	return c.MQTTAddr().String(), cfg.Certs
}
