package storetest

import (
	"context"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
	"piway/shared/sample"
)

// Length of the windows of a Bench's store, and how long after its end a pass stays open.
const (
	Window = time.Minute
	Grace  = 10 * time.Second
)

// A Bench is a store that runs, inside a synctest bubble: sleeping there moves its clocks and takes no time.
type Bench struct {
	Store
	T *testing.T
	// Cfg is what the store is opened with, but for windows and clock; Change, where it is not nil, has the last word.
	Cfg    queue.Config
	Change func(*queue.Config)
	// Back is what the wall clock was set back by.
	Back *Offset
	// Stop ends the store; it may be called again.
	Stop func()

	open Open
}

// An Offset is how far a wall clock is behind.
type Offset struct{ ns atomic.Int64 }

// Set sets it.
func (o *Offset) Set(d time.Duration) { o.ns.Store(int64(d)) }

func (o *Offset) get() time.Duration { return time.Duration(o.ns.Load()) }

// InBubble runs f with an empty store, at a full minute.
func InBubble(t *testing.T, open Open, f func(*testing.T, *Bench)) {
	t.Helper()
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := New(t, open, queue.Config{Path: filepath.Join(dir, "queue.db")})
		defer func() { b.Stop() }()
		f(t, b)
	})
}

// New returns a store that runs. Of cfg the log and MaxBytes need not be set.
func New(t *testing.T, open Open, cfg queue.Config) *Bench {
	t.Helper()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 64 << 20
	}
	b := &Bench{T: t, Cfg: cfg, Back: new(Offset), open: open}
	b.Start()
	return b
}

// Start opens the store after Stop.
func (b *Bench) Start() {
	b.T.Helper()
	cfg := b.Cfg
	cfg.Window, cfg.Grace, cfg.Now = Window, Grace, b.Now
	if b.Change != nil {
		b.Change(&cfg)
	}
	s, err := b.open(b.T.Context(), cfg)
	if err != nil {
		b.T.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	b.Store, b.Stop = s, sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			b.T.Errorf("running the store: %v", err)
		}
	})
}

// Now is the wall clock of the store.
func (b *Bench) Now() time.Time { return time.Now().Add(-b.Back.get()) }

// Reopen stops the store and opens it again.
func (b *Bench) Reopen() {
	b.T.Helper()
	b.Stop()
	b.Start()
}

// Crash goes on with a copy of the files made while the store runs, as a power cut would leave them.
func (b *Bench) Crash() {
	b.T.Helper()
	path := b.copyFiles()
	b.Stop()
	b.Cfg.Path = path
	b.Start()
}

// copyFiles copies the store's folder as it is now, and returns the path of the copy.
func (b *Bench) copyFiles() string {
	b.T.Helper()
	dir := b.T.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(b.Cfg.Path))); err != nil {
		b.T.Fatal(err)
	}
	return filepath.Join(dir, filepath.Base(b.Cfg.Path))
}

// TryAppend appends an entry that arrives now, and returns what done was called with.
func (b *Bench) TryAppend(e queue.Entry) error {
	if e.Arrived.IsZero() {
		e.Arrived = b.Now()
	}
	done := make(chan error, 1)
	b.Append(e, func(err error) { done <- err })
	return <-done
}

// MustAppend appends an entry that arrives now.
func (b *Bench) MustAppend(e queue.Entry) {
	b.T.Helper()
	if err := b.TryAppend(e); err != nil {
		b.T.Fatalf("appending %+v: %v", e, err)
	}
}

// NextPass waits for the first closed pass that is not in hand, and returns the names of its samples too.
func (b *Bench) NextPass(fingerprint string) (p pass.Pass, names []string) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.T.Context(), 24*time.Hour)
	defer cancel()
	p, err := b.Next(ctx, pass.Order{Shelved: math.MaxInt64}, fingerprint)
	if err != nil {
		b.T.Fatalf("waiting for a pass: %v", err)
	}
	if err := b.Each(ctx, p, func(_ string, samples []sample.Sample) error {
		for _, s := range samples {
			names = append(names, s.Name)
		}
		return nil
	}); err != nil {
		b.T.Fatal(err)
	}
	return p, names
}

// Take returns the names of the first closed pass, and settles it.
func (b *Bench) Take() []string {
	b.T.Helper()
	p, names := b.NextPass("f")
	b.Sent(p, len(names))
	return names
}

// Sent settles a pass with n samples of the kitchen.
func (b *Bench) Sent(p pass.Pass, n int) {
	b.T.Helper()
	done := pass.Done{Pass: p, Counts: map[ledger.Count]int{{Device: "kitchen", Outcome: ledger.Sent}: n}}
	if err := b.Settle(b.T.Context(), []pass.Done{done}, nil); err != nil {
		b.T.Fatal(err)
	}
}

// ClosePass lets time pass until no pass is open.
func (b *Bench) ClosePass() {
	time.Sleep(Window + Grace + time.Second)
	synctest.Wait()
}

// Accounts returns the ledger by device, and fails the test unless it balances.
func (b *Bench) Accounts() map[string]ledger.Account {
	b.T.Helper()
	all, err := b.Ledger(b.T.Context())
	if err != nil {
		b.T.Fatal(err)
	}
	by := map[string]ledger.Account{}
	for _, a := range all {
		if arrival, store := a.Difference(); arrival != 0 || store != 0 {
			b.T.Errorf("ledger of %s differs by %d on arrival, %d in store: %+v", a.Device, arrival, store, a)
		}
		by[a.Device] = a
	}
	return by
}

// WantNames compares the names of samples.
func (b *Bench) WantNames(got []string, want ...string) {
	b.T.Helper()
	if !slices.Equal(got, want) {
		b.T.Errorf("samples of the pass: got %q, want %q", got, want)
	}
}

// Report is an entry with a sample of each name, dated on arrival.
func Report(device, run string, seq int64, names ...string) queue.Entry {
	e := queue.Entry{Report: sample.Report{Device: device, Run: run, Seq: seq}}
	for i, name := range names {
		e.Samples = append(e.Samples, sample.Sample{Name: name, Unit: "Count", Value: float64(i)})
	}
	return e
}

// At is a report of which the one sample has its own time.
func At(device string, seq int64, name string, when time.Time) queue.Entry {
	e := Report(device, "r", seq, name)
	e.Samples[0].Time = float64(when.Unix())
	return e
}

// Big is a report of about 5 KB.
func Big(device string, seq int64) queue.Entry {
	names := make([]string, 40)
	for i := range names {
		names[i] = "metric with a long name, so that few reports fill the file" + "xxxxxxxxxxxxxxxxxxxx"
	}
	return Report(device, "r", seq, names...)
}

// Least is the smallest bound of a store; its tables themselves take some of it.
const Least = 68 * 4096

// Small reopens the store with the smallest bound.
func (b *Bench) Small() {
	b.T.Helper()
	b.Cfg.MaxBytes = Least
	b.Reopen()
}
