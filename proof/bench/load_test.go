package bench_test

import (
	"errors"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is what a broker gets for a last PUBACK: a gateway may hold a lone report back for some seconds.
const patience = 30 * time.Second

// closed keeps every connection busy for a time and returns how many reports were acknowledged in it.
func closed(b *testing.B, clients []*benchClient, reports int, d time.Duration) (acks int) {
	b.Helper()
	counts, errs := make([]int, len(clients)), make([]error, len(clients))
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for i, c := range clients {
		wg.Go(func() { counts[i], errs[i] = c.busy(reports, end) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
	for _, n := range counts {
		acks += n
	}
	return acks
}

// busy has so many reports in flight until the end, and then waits for those that still are.
func (c *benchClient) busy(reports int, end time.Time) (acks int, err error) {
	_ = c.conn.SetDeadline(end.Add(patience))
	for range reports {
		if err := c.send(); err != nil {
			return acks, err
		}
	}
	for reports > 0 {
		if _, err := c.puback(); err != nil {
			return acks, err
		}
		if time.Now().After(end) {
			reports--
			continue
		}
		acks++
		if err := c.send(); err != nil {
			return acks, err
		}
	}
	return acks, nil
}

// edge is what counts for nothing at both ends of an open loop: the first commits, and the last, which fewer share.
const edge = 250 * time.Millisecond

// A lateness is what an open loop tells, sorted; a report without a PUBACK has waited until the loop gave up.
type lateness struct {
	pubacks []time.Duration // from when the report was due
	load    []time.Duration // by which the load itself was late
	missing int
}

// open sends reports at a rate, each connection in its turn, and tells how long after its time each was acknowledged:
// who answers late is not spared the reports that were due meanwhile.
func open(b *testing.B, clients []*benchClient, rate int, d time.Duration) (l lateness) {
	b.Helper()
	every := time.Second / time.Duration(rate)
	rounds := int((d + 2*edge) / every / time.Duration(len(clients)))
	last := time.Duration(rounds*len(clients)) * every
	all := make([][]time.Duration, len(clients))
	var wg sync.WaitGroup
	start := time.Now()
	giveUp := start.Add(last + 2*time.Second)
	for i, c := range clients {
		c.id = 0
		_ = c.conn.SetDeadline(giveUp)
		wg.Go(func() {
			all[i] = c.listen(rounds, func(round int) time.Time {
				return start.Add(time.Duration(round*len(clients)+i) * every)
			})
		})
	}
	for n := range rounds * len(clients) {
		due := time.Duration(n) * every
		sleepUntil(start.Add(due))
		l.load = append(l.load, time.Since(start)-due)
		if clients[n%len(clients)].send() != nil {
			break // its buffers are full: it has long been behind
		}
	}
	wg.Wait()
	for i := range rounds * len(clients) {
		due := time.Duration(i) * every
		if due < edge || due > last-edge {
			continue
		}
		took := all[i%len(clients)][i/len(clients)]
		if took == 0 {
			l.missing++
			took = giveUp.Sub(start.Add(due))
		}
		l.pubacks = append(l.pubacks, took)
	}
	slices.Sort(l.pubacks)
	slices.Sort(l.load)
	return l
}

// listen waits for so many PUBACKs; 0 is for those that did not come.
func (c *benchClient) listen(n int, due func(int) time.Time) []time.Duration {
	took := make([]time.Duration, n)
	for range n {
		id, err := c.puback()
		if err != nil {
			break
		}
		took[id-1] = time.Since(due(int(id) - 1))
	}
	return took
}

// sleepUntil is finer than time.Sleep, which may be late by a millisecond.
func sleepUntil(t time.Time) {
	for d := time.Until(t); d > 0; d = time.Until(t) {
		ts := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&ts, nil) // too short a sleep goes on
	}
}

// ownCPU is what this process has used, which is the load.
func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(os.NewSyscallError("getrusage", err))
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
