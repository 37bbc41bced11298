package queue_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
	"piway/shared/sample"
)

const (
	window = time.Minute
	grace  = 10 * time.Second
)

// A bench is a queue that runs, inside a synctest bubble: sleeping there moves its clocks and takes no time.
type bench struct {
	*queue.Queue
	t    *testing.T
	path string
	back *offset // what the wall clock was set back by
	max  int64
	cfg  func(*queue.Config) // changes it before reopen and crash; nil for none
	stop func()
}

// An offset is how far a wall clock is behind.
type offset struct{ ns atomic.Int64 }

func (o *offset) set(d time.Duration) { o.ns.Store(int64(d)) }
func (o *offset) get() time.Duration  { return time.Duration(o.ns.Load()) }

// inBubble runs f with an empty queue, at a full minute.
func inBubble(t *testing.T, f func(*testing.T, *bench)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, filepath.Join(dir, "queue.db"), 64<<20, new(offset))
		defer func() { b.stop() }()
		f(t, b)
	})
}

func open(t *testing.T, path string, maxBytes int64, back *offset) *bench {
	t.Helper()
	return openChanged(t, path, maxBytes, back, nil)
}

// openChanged lets change have the last word on the configuration, also when it is opened again.
func openChanged(t *testing.T, path string, maxBytes int64, back *offset, change func(*queue.Config)) *bench {
	t.Helper()
	cfg := queue.Config{Path: path, MaxBytes: maxBytes, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	b := openWith(t, cfg, back)
	b.cfg = change
	return b
}

// openWith sets the windows and the clock of cfg.
func openWith(t *testing.T, cfg queue.Config, back *offset) *bench {
	t.Helper()
	cfg.Window, cfg.Grace = window, grace
	cfg.Now = func() time.Time { return time.Now().Add(-back.get()) }
	q, err := queue.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	return &bench{Queue: q, t: t, path: cfg.Path, back: back, max: cfg.MaxBytes, stop: sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("running the queue: %v", err)
		}
	})}
}

func (b *bench) now() time.Time { return time.Now().Add(-b.back.get()) }

// reopen stops the queue and opens it again.
func (b *bench) reopen() {
	b.t.Helper()
	b.stop()
	*b = *openChanged(b.t, b.path, b.max, b.back, b.cfg)
}

// crash goes on with a copy of the files made while the queue runs, as a power cut would leave them.
func (b *bench) crash() {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "queue.db")
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(b.path + suffix)
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, text, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	b.stop()
	*b = *openChanged(b.t, path, b.max, b.back, b.cfg)
}

func (b *bench) append(e queue.Entry) error {
	if e.Arrived.IsZero() {
		e.Arrived = b.now()
	}
	done := make(chan error, 1)
	b.Append(e, func(err error) { done <- err })
	return <-done
}

func (b *bench) mustAppend(e queue.Entry) {
	b.t.Helper()
	if err := b.append(e); err != nil {
		b.t.Fatalf("appending %+v: %v", e, err)
	}
}

// next returns the first closed pass that is not in hand, and the names of its samples.
func (b *bench) next(fingerprint string) (p pass.Pass, names []string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 24*time.Hour)
	defer cancel()
	p, err := b.Next(ctx, pass.Order{Shelved: math.MaxInt64}, fingerprint)
	if err != nil {
		b.t.Fatalf("waiting for a pass: %v", err)
	}
	if err := b.Each(ctx, p, func(_ string, samples []sample.Sample) error {
		for _, s := range samples {
			names = append(names, s.Name)
		}
		return nil
	}); err != nil {
		b.t.Fatal(err)
	}
	return p, names
}

// take returns the names of the first closed pass, and settles it.
func (b *bench) take() []string {
	b.t.Helper()
	p, names := b.next("f")
	b.settle(p, len(names))
	return names
}

// settle books n samples of a pass as sent.
func (b *bench) settle(p pass.Pass, n int) {
	b.t.Helper()
	done := pass.Done{Pass: p, Counts: map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Sent}: n}}
	if err := b.Settle(b.t.Context(), []pass.Done{done}, nil); err != nil {
		b.t.Fatal(err)
	}
}

// accounts returns the ledger and fails unless it balances.
func (b *bench) accounts() map[string]ledger.Account {
	b.t.Helper()
	all, err := b.Ledger(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	by := map[string]ledger.Account{}
	for _, a := range all {
		if arrival, store := a.Difference(); arrival != 0 || store != 0 {
			b.t.Errorf("ledger of %s differs by %d on arrival, %d in store: %+v", a.Device, arrival, store, a)
		}
		by[a.Device] = a
	}
	return by
}

func (b *bench) wantNames(got []string, want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("samples of the pass (-want +got):\n%s", diff)
	}
}

// report is an entry with a sample of each name, dated on arrival.
func report(device, run string, seq int64, names ...string) queue.Entry {
	e := queue.Entry{Report: sample.Report{Device: device, Run: run, Seq: seq}}
	for i, name := range names {
		e.Samples = append(e.Samples, sample.Sample{Name: name, Unit: "Count", Value: float64(i)})
	}
	return e
}

// refuseReports makes the file refuse reports and nothing else.
const refuseReports = "CREATE TRIGGER full BEFORE INSERT ON report BEGIN SELECT RAISE(ABORT, 'full'); END"

// sql changes the file beside the running queue.
func (b *bench) sql(text string) {
	b.t.Helper()
	b.beside(func(db *sql.DB) error {
		_, err := db.Exec(text)
		return err
	})
}

// query reads one number beside the running queue.
func (b *bench) query(text string, n *int64) {
	b.t.Helper()
	b.beside(func(db *sql.DB) error { return db.QueryRow(text).Scan(n) })
}

func (b *bench) beside(f func(*sql.DB) error) {
	b.t.Helper()
	db, err := sql.Open("sqlite", b.path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		b.t.Fatal(err)
	}
	if err := errors.Join(f(db), db.Close()); err != nil {
		b.t.Fatal(err)
	}
}

// countSamples counts the samples of a pass as sent.
func countSamples(counts map[ledger.Count]int) func(string, []sample.Sample) error {
	return func(device string, samples []sample.Sample) error {
		counts[ledger.Count{Device: device, Outcome: ledger.Sent}] += len(samples)
		return nil
	}
}
