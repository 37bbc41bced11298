package spool_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"piway/agent/spool"
	"piway/shared/files/lying"
)

// Whatever the disk does, what the spool promised to keep is delivered, once, under one number; and nothing else is.
// lying.Seeds says how to try more.
func TestSpool_property(t *testing.T) { lying.Seeds(t, 3, tryProperty) }

func tryProperty(t *testing.T, seed uint64) {
	onLyingDisk(t, func(c *spool.Config) { c.MaxReports, c.MaxAge = 1e6, 0 }, func(t *testing.T, s *shelf, d *lying.Disk) {
		w := &world{
			shelf: s, d: d, rng: rand.New(rand.NewPCG(seed, 1)), began: time.Now(), run: 'a',
			readings: map[int]*fate{}, reports: map[string]*arrived{},
		}
		w.healthy()
		w.connect()
		defer func() {
			if t.Failed() {
				t.Logf("seed %d, what was done:\n%s\nand said:\n%s", seed, strings.Join(w.did, "\n"), s.log)
			}
		}()
		for range 150 {
			w.step()
			if t.Failed() {
				return
			}
		}
		w.end()
	})
}

// A world is a spool, its disk, a gateway that takes a report once, and what must hold between them.
type world struct {
	*shelf
	d   *lying.Disk
	rng *rand.Rand
	did []string

	began    time.Time
	run      rune
	readings map[int]*fate
	reports  map[string]*arrived // by run and number
	lastAck  time.Time
	failed   atomic.Int64 // the last time that it did, Unix nanoseconds
	bent     atomic.Bool  // a file could not be read, so reports come in another order
	after    uint64       // of the connection
	lastSeq  map[string]int64
}

// A fate is what became of a reading.
type fate struct {
	read    time.Time
	durable bool // promised to outlive anything
	maybe   bool // a restart may have lost it
	came    int  // to the gateway
}

// An arrived is a report as it was handed out.
type arrived struct {
	values []int
	life   rune // of the process that handed it out
	taken  bool // by the gateway
}

func (w *world) note(format string, args ...any) {
	w.did = append(w.did, fmt.Sprintf("%9s ", time.Since(w.began))+fmt.Sprintf(format, args...))
}

func (w *world) step() {
	switch n := w.rng.IntN(100); {
	case n < 35:
		w.pad = []int{0, 0, 0, 20, 140}[w.rng.IntN(5)]
		for range 1 + w.rng.IntN(30) {
			w.take()
			w.sleep(time.Duration(w.rng.IntN(4000)) * time.Millisecond)
		}
	case n < 55:
		w.sleep(time.Duration(w.rng.IntN(90)) * time.Second)
	case n < 60:
		w.sleep(7 * time.Minute) // a failed disk is tried again meanwhile
	case n < 75:
		w.deliver(1 + w.rng.IntN(20))
	case n < 78:
		w.deliver(1 << 20)
	case n < 82:
		w.connect()
	case n < 87:
		w.trouble()
	case n < 92:
		w.healthy()
	case n < 95:
		w.kill()
	case n < 98:
		w.cut()
	default:
		w.forget()
	}
	w.promise()
}

func (w *world) take() {
	w.read()
	w.readings[w.n] = &fate{read: time.Now()}
}

func (w *world) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
	w.promise()
}

// promise notes what is durable from now on: what waited for long enough, on a disk that worked for long enough.
func (w *world) promise() {
	since := time.Unix(0, w.failed.Load()).Add(5 * time.Minute) // is when the spool tries again
	if w.lastAck.After(since) {
		since = w.lastAck
	}
	for _, f := range w.readings {
		from := f.read
		if since.After(from) {
			from = since
		}
		if !f.maybe && time.Since(from) >= after+5*time.Second {
			f.durable = true
		}
	}
}

// connect is a new connection, which begins with the oldest.
func (w *world) connect() {
	w.note("connect")
	w.after, w.lastSeq = 0, map[string]int64{}
}

// next hands out a report, if one waits.
func (w *world) next() (handed, bool) {
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	time.AfterFunc(time.Millisecond, cancel)
	pos, r, err := w.Next(ctx, w.after)
	if err != nil {
		return handed{}, false
	}
	if pos <= w.after {
		w.t.Errorf("position %d after %d", pos, w.after)
	}
	w.after = pos
	return handed{pos, r}, true
}

// deliver hands out some reports. Most reach the gateway, of these most are acknowledged, and then all so far.
func (w *world) deliver(most int) {
	var flight []uint64
	count := 0
	for ; count < most; count++ {
		h, ok := w.next()
		if !ok {
			break
		}
		if w.rng.IntN(20) == 0 {
			break // lost, and the connection with it
		}
		w.arrive(h)
		flight = append(flight, h.pos)
		for w.rng.IntN(4) > 0 && len(flight) > 0 {
			w.Ack(flight[0])
			w.lastAck = time.Now()
			flight = flight[1:]
		}
	}
	w.note("deliver %d", count)
	if len(flight) > 0 || count < most {
		w.connect()
	}
}

// arrive holds a report to what is known of it, and has the gateway take it once.
func (w *world) arrive(h handed) {
	name := fmt.Sprintf("%s%d", h.report.Run, h.report.Seq)
	got, _ := values([]handed{h})
	if len(got) == 0 {
		w.t.Errorf("report %s is empty", name)
	}
	if h.report.Seq <= w.lastSeq[h.report.Run] && !w.bent.Load() {
		w.t.Errorf("report %s after %d", name, w.lastSeq[h.report.Run])
	}
	w.lastSeq[h.report.Run] = h.report.Seq
	known := w.reports[name]
	if known == nil {
		known = &arrived{values: got, life: w.run}
		w.reports[name] = known
	}
	if known.life == w.run && !slices.Equal(known.values, got) {
		w.t.Errorf("report %s has %v, and had %v", name, got, known.values)
	}
	for _, v := range got {
		if !slices.Contains(known.values, v) {
			w.t.Errorf("report %s has %v, and had %v in another process", name, got, known.values)
			break
		}
	}
	w.note("%s with %d readings from %d on, taken before %v", name, len(got), got[0], known.taken)
	known.values, known.life = got, w.run
	if known.taken {
		return
	}
	known.taken = true
	for _, v := range got {
		if f := w.readings[v]; f == nil || f.came > 0 {
			w.t.Errorf("reading %d came twice, or from nowhere, in %s", v, name)
		} else {
			f.came++
		}
	}
}

var kinds = []string{
	lying.Open, lying.Read, lying.Write, lying.Sync, lying.Sync, lying.Sync, lying.Rename, lying.Remove, lying.SyncDir,
	lying.SyncDir,
}

// trouble has the disk fail some calls for a while.
func (w *world) trouble() {
	bad := map[string]bool{}
	for range 1 + w.rng.IntN(3) {
		bad[kinds[w.rng.IntN(len(kinds))]] = true
	}
	one := 1 + w.rng.IntN(3)
	w.note("trouble with %v, one of %d", bad, one)
	rng := rand.New(rand.NewPCG(w.rng.Uint64(), 1))
	w.d.Fail(func(op lying.Op) error {
		// Of a folder whose making could neither be synced nor undone nobody knows later that a power cut takes it along.
		if op.Kind == lying.Remove && op.Path == w.cfg.Dir {
			return nil
		}
		if !bad[op.Kind] || rng.IntN(one) > 0 {
			return nil
		}
		w.failed.Store(time.Now().UnixNano())
		switch op.Kind {
		case lying.Open, lying.Read:
			w.bent.Store(true)
		case lying.Write:
			return &lying.Short{N: rng.Int64N(op.Length + 1), Err: syscall.ENOSPC}
		case lying.Sync:
			return &lying.Partly{Wrote: func(int64) bool { return rng.IntN(2) == 0 }, Err: syscall.EIO}
		}
		return syscall.EIO
	})
}

func (w *world) healthy() {
	w.note("healthy")
	w.d.Fail(nil)
}

// forget has the kernel forget what is clean, whether it is true or not.
func (w *world) forget() {
	w.note("forget")
	if err := w.d.Drop(); err != nil {
		w.t.Fatal(err)
	}
}

// restarted notes what a restart may have lost.
func (w *world) restarted() {
	for _, f := range w.readings {
		f.maybe = f.maybe || !f.durable
	}
	w.bent.Store(false)
	w.connect()
	w.run++
}

func (w *world) kill() {
	w.note("kill")
	w.d.Kill()
	w.Close()
	w.d.Start()
	w.restarted()
	w.cfg.Run = string(w.run)
	w.Spool = spool.Open(w.cfg)
}

func (w *world) cut() {
	var rng *rand.Rand
	if w.rng.IntN(3) > 0 {
		rng = rand.New(rand.NewPCG(w.rng.Uint64(), 2))
	}
	w.note("cut, strict %v", rng == nil)
	w.restarted()
	w.d = w.powerCut(string(w.run), w.d, rng)
}

// end brings all to the gateway that there is, and settles the account.
func (w *world) end() {
	w.healthy()
	w.sleep(11 * time.Minute)
	w.connect()
	for {
		h, ok := w.next()
		if !ok {
			break
		}
		w.arrive(h)
		w.Ack(h.pos)
	}
	lost := 0
	for v := 1; v <= w.n; v++ {
		f := w.readings[v]
		if f.came == 0 && !f.maybe {
			w.t.Errorf("reading %d did not come, durable %v, of %s", v, f.durable, f.read.Sub(w.began))
		}
		if f.came == 0 {
			lost++
		}
	}
	w.t.Logf("%d readings in %s, %d lost at restarts", w.n, time.Since(w.began), lost)
	if files := w.files(); len(files) > 0 {
		w.t.Errorf("files left: %v", files)
	}
}
