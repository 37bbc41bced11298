package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
	"piway/shared/files/lying"
	"piway/shared/sample"
)

// A made is a report that a device made.
type made struct {
	entry  queue.Entry
	stored bool // it has samples
	acked  bool
	// settled says that Settle returned nil for it, unsure that it failed; then it is settled or waits.
	settled, unsure bool
}

// send lets devices make reports, some at once.
func (w *world) send() {
	var names []string
	for range 1 + w.rng.IntN(4) {
		device := fmt.Sprint("pi", w.rng.IntN(3))
		run := fmt.Sprint("run", len(w.names)/50)
		w.seqs[device+run]++
		e := queue.Entry{Report: sample.Report{Device: device, Run: run, Seq: w.seqs[device+run]}}
		name := fmt.Sprintf("%s/%s/%d", device, run, e.Seq)
		n := w.rng.IntN(4)
		if w.bulky {
			n *= 60
		}
		if n == 0 || w.rng.IntN(8) == 0 {
			e.Refused = map[string]int{"bad name": 1}
		}
		for i := range n {
			e.Samples = append(e.Samples, sample.Sample{Name: w.sampleName(name, i), Unit: "Count", Value: float64(i)})
		}
		w.reports[name] = &made{entry: e, stored: n > 0}
		w.names = append(w.names, name)
		names = append(names, name)
	}
	w.deliver(names...)
}

// sampleName is REPORT#NUMBER, and as long as may be where the log is to be filled.
func (w *world) sampleName(report string, i int) string {
	name := fmt.Sprintf("%s#%d", report, i)
	if w.bulky {
		name += strings.Repeat("x", sample.MaxName-len(name))
	}
	return name
}

// deliver appends reports and notes which are acknowledged.
func (w *world) deliver(names ...string) (refused int) {
	var all sync.WaitGroup
	errs := make([]error, len(names))
	for i, name := range names {
		e := w.reports[name].entry
		e.Arrived = time.Now()
		all.Add(1)
		w.Append(e, func(err error) {
			errs[i] = err
			all.Done()
		})
	}
	all.Wait()
	for i, name := range names {
		w.log.Info("delivered", "report", name, "again", w.reports[name].acked, "err", errs[i])
		if errs[i] != nil {
			refused++
			continue
		}
		w.reports[name].acked = true
	}
	return refused
}

// sendAgain delivers reports again, first of all those that were not acknowledged.
func (w *world) sendAgain() {
	var names []string
	for _, name := range w.names {
		if !w.reports[name].acked && w.rng.IntN(2) == 0 || w.rng.IntN(20) == 0 {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		w.deliver(names...)
	}
}

// allAgain delivers every report again, on a disk without errors.
func (w *world) allAgain() {
	w.log.Info("all again")
	if len(w.names) > 0 && w.deliver(w.names...) > 0 {
		w.wrong("a report is refused on a disk without errors")
	}
}

// settle sends the oldest pass, or a part.
func (w *world) settle() {
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	p, err := w.Next(ctx, pass.Order{LiveOnly: true}, "")
	if err != nil {
		w.log.Info("no pass", "err", err)
		return
	}
	counts, found := map[ledger.Count]int{}, map[string]int{}
	if err := w.Each(ctx, p, func(device string, samples []sample.Sample) error {
		counts[ledger.Count{Device: device, Outcome: ledger.Sent}] += len(samples)
		return count(found, samples)
	}); err != nil {
		w.log.Info("cannot read the pass", "err", err)
		w.Release(p.Start)
		return
	}
	if w.rng.IntN(4) == 0 {
		p.Next++
		err := w.Settle(ctx, nil, []pass.Pass{p})
		w.Release(p.Start)
		w.log.Info("moved", "pass", p.Start, "to", p.Next, "err", err)
		if err == nil {
			w.at[p.Start] = p.Next
		}
		return
	}
	err = w.Settle(ctx, []pass.Done{{Pass: p, Counts: counts}}, nil)
	w.Release(p.Start) // also after an error
	w.log.Info("settled", "pass", p.Start, "reports", found, "err", err)
	for name := range found {
		r := w.reports[name]
		r.settled, r.unsure = r.settled || err == nil, r.unsure || err != nil
	}
}

// count adds the samples to those of their reports.
func count(found map[string]int, samples []sample.Sample) error {
	for _, s := range samples {
		name, _, _ := strings.Cut(s.Name, "#")
		found[name]++
	}
	return nil
}

// look waits until all passes are closed, and compares what is in them with what is known.
func (w *world) look() {
	time.Sleep(2 * (window + grace))
	found, waiting := w.found()
	for _, name := range w.names {
		w.judge(name, found[name])
		delete(found, name)
	}
	if len(found) > 0 {
		w.wrong("it holds what nobody sent: %v", found)
	}
	accounts, err := w.Ledger(w.t.Context())
	if err != nil {
		w.wrong("reading the ledger: %v", err)
	}
	for _, a := range accounts {
		if arrival, store := a.Difference(); arrival != 0 || store != 0 {
			w.wrong("the ledger differs by %d on arrival, %d in store: %+v", arrival, store, a)
		}
		if len(a.Dropped) > 0 {
			w.wrong("samples are dropped: %+v", a)
		}
		waiting -= a.Waiting
	}
	if waiting != 0 {
		w.wrong("%d samples wait that are not in the ledger", waiting)
	}
}

// found returns how many samples of each report are in the queue, and of all.
func (w *world) found() (found map[string]int, all int64) {
	found = map[string]int{}
	for {
		p, err := w.Next(w.t.Context(), pass.Order{LiveOnly: true}, "")
		if errors.Is(err, pass.ErrNone) {
			break
		}
		if err == nil {
			err = w.Each(w.t.Context(), p, func(_ string, samples []sample.Sample) error {
				all += int64(len(samples))
				return count(found, samples)
			})
		}
		if err != nil {
			w.wrong("reading what is there: %v", err)
			break
		}
		if p.Next < w.at[p.Start] {
			w.wrong("pass %d is at %d, it was at %d", p.Start, p.Next, w.at[p.Start])
		}
		defer w.Release(p.Start) // when all are seen
	}
	return found, all
}

// judge compares how many samples of a report are there with what was promised, and notes what is known now.
func (w *world) judge(name string, n int) {
	r := w.reports[name]
	all := len(r.entry.Samples)
	switch {
	case n != 0 && n != all:
		w.wrong("%s: %d samples are there of %d", name, n, all)
	case n != 0 && r.settled:
		w.wrong("%s: it is there though it was settled", name)
	case n == 0 && r.stored && r.acked && !r.settled && !r.unsure:
		w.wrong("%s: it was acknowledged and is lost", name)
		r.acked = false // told once
	}
	r.settled = r.settled || n == 0 && r.unsure
	r.unsure = false
}

// fail lets the disk fail for a while, in one of the ways that disks have.
func (w *world) fail() {
	kinds := [][]string{
		{lying.Sync},
		{lying.Write},
		{lying.Sync, lying.Write, lying.Truncate},
		{lying.Sync, lying.Write, lying.Truncate, lying.Open, lying.Remove, lying.Rename, lying.SyncDir},
		{lying.SyncDir},
	}[w.rng.IntN(5)]
	suffix := []string{"", "", "-wal", "queue.db"}[w.rng.IntN(4)]
	if len(kinds) == 1 && kinds[0] == lying.SyncDir {
		suffix = ""
	}
	one, left, end := w.failure(kinds), 1+w.rng.IntN(8), time.Now().Add(time.Hour)
	if w.rng.IntN(2) == 0 {
		left, end = 1e9, time.Now().Add(time.Duration(w.rng.Int64N(int64(2*time.Second))))
	}
	w.log.Info("the disk fails", "kinds", kinds, "files", suffix, "times", left, "until", end)
	rng := w.rng.Uint64()
	var mu sync.Mutex
	w.disk.Fail(func(op lying.Op) error {
		mu.Lock()
		defer mu.Unlock()
		rng = rng*6364136223846793005 + 1442695040888963407
		if left <= 0 || time.Now().After(end) || !strings.HasSuffix(op.Path, suffix) {
			return nil
		}
		for _, kind := range kinds {
			if kind == op.Kind && rng>>60 > 3 {
				left--
				if kind == lying.SyncDir {
					return &lying.Again{Err: syscall.EIO} // SQLite does not tell it of a new log: the queue can, by another
				}
				return one(op, rng>>32)
			}
		}
		return nil
	})
}

// failure returns the errors of a disk that fails in one way.
func (w *world) failure(kinds []string) func(op lying.Op, random uint64) error {
	switch w.rng.IntN(4) {
	case 0: // full
		kinds[0] = lying.Write
		return func(op lying.Op, random uint64) error {
			if op.Kind == lying.Write {
				return &lying.Short{N: int64(random % uint64(op.Length+1)), Err: syscall.ENOSPC}
			}
			return syscall.ENOSPC
		}
	case 1: // a part is written
		return func(_ lying.Op, random uint64) error {
			return &lying.Partly{Wrote: func(at int64) bool { return random>>(uint64(at/4096)%32)&1 == 1 }, Err: syscall.EIO}
		}
	default:
		return func(lying.Op, uint64) error { return syscall.EIO }
	}
}
