package queue_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/queue"
	"piway/gateway/queue/lyingdb"
	"piway/shared/files/lying"
)

// TestQueue_lyingDisk does random work on a disk that fails, cuts the power, and looks whether the queue kept its
// promise. lying.Seeds says how to try more; a seed goes nearly the same way each time. PIWAY_LYING_LOG shows what is
// done.
func TestQueue_lyingDisk(t *testing.T) {
	lying.Seeds(t, 2, func(t *testing.T, seed uint64) { try(t, seed, false) })
}

// TestQueue_powerCut does the same on a disk that is well.
func TestQueue_powerCut(t *testing.T) {
	lying.Seeds(t, 2, func(t *testing.T, seed uint64) { try(t, seed, true) })
}

// try lives one life of a queue.
func try(t *testing.T, seed uint64, well bool) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed)
		w.well = well
		w.mount(dir)
		for range 1 + w.rng.IntN(3) {
			for range 5 + w.rng.IntN(40) {
				w.step()
			}
			if !w.well && w.rng.IntN(2) == 0 {
				w.failBefore()
			}
			w.powerCut()
			if w.broken {
				break
			}
		}
		w.disk.Fail(nil)
		w.stop()
		_ = w.disk.Close() // it is not used any more
	})
}

// A world is a queue on a disk, and what is known of it from outside.
type world struct {
	t      *testing.T
	seed   uint64
	rng    *rand.Rand
	log    *slog.Logger
	broken bool
	well   bool  // the disk
	bulky  bool  // reports that fill the log
	block  int64 // of the disk

	disk *lying.Disk
	cfg  queue.Config

	*queue.Queue
	cancel context.CancelFunc
	ended  chan error // nil while no queue runs

	reports map[string]*made
	names   []string // of reports, in order
	seqs    map[string]int64
	at      map[int64]int // passes by start: the position that is durable
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 0))
	w := &world{
		t: t, seed: seed, rng: rng, log: slog.New(slog.DiscardHandler), bulky: rng.IntN(3) == 0,
		block:   []int64{1, 4096}[rng.IntN(2)],
		reports: map[string]*made{}, seqs: map[string]int64{}, at: map[int64]int{},
	}
	if os.Getenv("PIWAY_LYING_LOG") != "" {
		w.log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return w
}

// wrong notes what breaks the promise.
func (w *world) wrong(format string, args ...any) {
	w.t.Helper()
	w.broken = true
	w.t.Errorf("seed %d: %s", w.seed, fmt.Sprintf(format, args...))
}

// mount takes the folder as the disk and opens the queue there.
func (w *world) mount(dir string) {
	w.disk = lying.New(dir)
	w.disk.Block = w.block
	w.cfg = queue.Config{
		Path: filepath.Join(dir, "queue.db"), MaxBytes: 256 << 20, Window: window, Grace: grace, Now: time.Now,
		Log: w.log, VFS: lyingdb.Register(w.t, w.disk), Files: w.disk,
	}
	w.open()
}

// open opens the queue, as often as it takes: the stages do that.
func (w *world) open() {
	for try := 0; ; try++ {
		q, err := queue.Open(w.t.Context(), w.cfg)
		if err == nil {
			ctx, cancel := context.WithCancel(context.Background())
			w.Queue, w.cancel, w.ended = q, cancel, make(chan error, 1)
			go func() { w.ended <- q.Run(ctx) }()
			return
		}
		w.log.Info("cannot open", "err", err)
		if try == 60 {
			w.disk.Fail(nil)
		}
		if try == 70 {
			w.t.Fatalf("seed %d: it cannot be opened on a disk without errors: %v", w.seed, err)
		}
		time.Sleep(time.Second)
	}
}

func (w *world) stop() {
	w.cancel()
	err := <-w.ended
	w.log.Info("stopped", "err", err)
}

// attend opens the queue anew if it asks for that.
func (w *world) attend() {
	select {
	case err := <-w.ended:
		w.log.Info("ended", "err", err)
		w.cancel()
		time.Sleep(time.Second)
		w.open()
	default:
	}
}

// step does one thing.
func (w *world) step() {
	w.attend()
	switch n := w.rng.IntN(100); {
	case n < 40:
		w.send()
	case n < 52:
		w.sendAgain()
	case n < 70:
		w.settle()
	case n < 80:
		time.Sleep(time.Duration(w.rng.Int64N(int64(2 * window))))
	case n < 92:
		if !w.well {
			w.fail()
		}
	case n < 94:
		w.log.Info("drop")
		if err := w.disk.Drop(); err != nil {
			w.t.Fatal(err)
		}
	case n < 97:
		w.log.Info("kill")
		w.disk.Kill()
		w.stop()
		w.disk.Start()
		w.open()
	default:
		w.log.Info("restart")
		w.stop()
		w.open()
	}
}

// failBefore is what often goes before the end of a disk: errors, devices that come again, and the queue that carries
// on.
func (w *world) failBefore() {
	w.fail()
	for range 1 + w.rng.IntN(8) {
		w.attend()
		w.send()
		w.sendAgain()
		time.Sleep(time.Duration(w.rng.Int64N(int64(time.Second))))
	}
}

// powerCut goes on with what is left, and looks at it.
func (w *world) powerCut() {
	var rng *rand.Rand
	if w.rng.IntN(3) > 0 {
		rng = rand.New(rand.NewPCG(w.seed, w.rng.Uint64()))
	}
	w.log.Info("power cut", "early", rng != nil)
	w.disk.Kill()
	to := w.t.TempDir()
	if err := w.disk.Cut(to, rng); err != nil {
		w.t.Fatal(err)
	}
	w.stop()
	if err := w.disk.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.mount(to)
	w.look()
	w.allAgain()
	w.look()
}
