package spool_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/agent/spool"
	"piway/shared/sample"
	"piway/shared/testlog"
)

const after = 30 * time.Second

// A shelf is a spool in a synctest bubble, where sleeping takes no time.
type shelf struct {
	*spool.Spool
	t   *testing.T
	cfg spool.Config
	log *testlog.Log
	n   int // readings so far
	pad int // samples that make readings large, of about 300 bytes each
	// named is the name of those, padding if it is empty.
	named string
}

func inBubble(t *testing.T, change func(*spool.Config), f func(*testing.T, *shelf)) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "spool")
	synctest.Test(t, func(t *testing.T) {
		log := new(testlog.Log)
		cfg := spool.Config{
			Run: "a", Dir: dir, After: after, MaxBytes: 64 << 20, MaxAge: 13 * 24 * time.Hour, MaxReports: 1000,
			Log: slog.New(slog.NewTextHandler(log, nil)),
		}
		if change != nil {
			change(&cfg)
		}
		s := &shelf{Spool: spool.Open(cfg), t: t, cfg: cfg, log: log}
		defer func() { s.Close() }()
		f(t, s)
	})
}

// padding is the name of samples that do not count.
var padding = strings.Repeat("x", 200)

// read adds a reading of one sample, of which the value counts.
func (s *shelf) read() {
	s.n++
	now := float64(time.Now().UnixNano()) / 1e9
	r := sample.Report{Device: "pi", Boot: "b", Uptime: now - 9e8, Clock: sample.Synced, Samples: []sample.Sample{
		{Name: "n", Unit: "None", Value: float64(s.n), Time: now},
	}}
	name := padding
	if s.named != "" {
		name = s.named
	}
	for range s.pad {
		r.Samples = append(r.Samples, sample.Sample{Name: name, Unit: "None", Time: now})
	}
	s.Add(r)
}

// readFor adds a reading every 15 s.
func (s *shelf) readFor(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(15 * time.Second) {
		s.read()
	}
}

// restart is a new process, after a stop in good order or after the power went.
func (s *shelf) restart(run string, killed bool) {
	s.t.Helper()
	if killed { // a copy, since the old one still holds the lock and the file
		dir := s.t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(s.cfg.Dir)); err != nil {
			s.t.Fatal(err)
		}
		defer s.Close()
		s.cfg.Dir = dir
	} else if left := s.Close(); left.Lost > 0 {
		s.t.Errorf("closing lost %d reports", left.Lost)
	}
	s.cfg.Run = run
	s.Spool = spool.Open(s.cfg)
}

type handed struct {
	pos    uint64
	report sample.Report
}

// all hands out everything that waits, from the oldest on.
func (s *shelf) all() (got []handed) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	for pos := uint64(0); ; {
		time.AfterFunc(time.Second, cancel) // in the bubble: when nothing more can come
		next, r, err := s.Next(ctx, pos)
		if errors.Is(err, context.Canceled) {
			return got
		}
		if next <= pos {
			s.t.Fatalf("position %d after %d", next, pos)
		}
		pos = next
		got = append(got, handed{next, r})
		ctx, cancel = context.WithCancel(s.t.Context())
		defer cancel()
	}
}

// values are those of all samples, and where each report begins.
func values(got []handed) (values []int, names []string) {
	for _, h := range got {
		names = append(names, fmt.Sprintf("%s%d", h.report.Run, h.report.Seq))
		for _, s := range h.report.Samples {
			if s.Name != padding {
				values = append(values, int(s.Value))
			}
		}
	}
	return values, names
}

// wantAll holds what is handed out to the readings from..to, in order, and acknowledges it.
func (s *shelf) wantAll(from, to int) (names []string) {
	s.t.Helper()
	got := s.all()
	have, names := values(got)
	var want []int
	for v := from; v <= to; v++ {
		want = append(want, v)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		s.t.Errorf("readings (-want +got):\n%s", diff)
	}
	for _, h := range got {
		s.Ack(h.pos)
	}
	if rest := s.all(); len(rest) > 0 {
		s.t.Errorf("acknowledged, and handed out again: %d", len(rest))
	}
	return names
}

func (s *shelf) files() []string {
	entries, err := os.ReadDir(s.cfg.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
