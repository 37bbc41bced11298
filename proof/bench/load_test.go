package bench_test

import (
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience is what a broker gets for a last PUBACK: a gateway may hold a lone report back for some seconds.
const patience = 30 * time.Second

// closed keeps every connection busy for a time and returns how many reports were acknowledged in it.
func closed(b *testing.B, s *side, reports int, d time.Duration) (acks int) {
	b.Helper()
	clients := s.clients
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
	s.reports += acks + reports*len(clients)
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
	pubacks []time.Duration // from when the report was sent
	load    []time.Duration // by which the load itself was late, as it shares the machine
	rate    float64         // reports a second that were acknowledged while it ran
	missing bool
}

// open sends reports at a rate, each connection in its turn, whatever becomes of them: who answers late is not spared
// the reports that are due meanwhile.
func open(b *testing.B, s *side, rate int, d time.Duration) (l lateness) {
	b.Helper()
	clients := s.clients
	every := time.Second / time.Duration(rate)
	rounds := int((d + 2*edge) / every / time.Duration(len(clients)))
	if rounds < 2 {
		b.Fatalf("%d reports/s over %d connections: are less than two each", rate, len(clients))
	}
	n := rounds * len(clients)
	o := openRun{
		start: time.Now(), clients: clients, sent: make([]atomic.Int64, n), took: make([]time.Duration, n),
	}
	last := time.Duration(n) * every
	var wg sync.WaitGroup
	for i, c := range clients {
		c.id = 0
		_ = c.conn.SetDeadline(o.start.Add(last + catchUp))
		wg.Go(func() { o.listen(i, rounds) })
	}
	l.load = o.pace(every)
	wg.Wait()
	s.reports += len(l.load)
	for i, took := range o.took {
		if due := time.Duration(i) * every; due < edge || due > last-edge {
			continue
		}
		if took == 0 {
			l.missing = true
			took = last + catchUp - time.Duration(i)*every
		}
		if time.Duration(o.sent[i].Load())+took <= last {
			l.rate += 1 / (last - 2*edge).Seconds()
		}
		l.pubacks = append(l.pubacks, took)
	}
	slices.Sort(l.pubacks)
	slices.Sort(l.load)
	return l
}

// catchUp is what a broker gets behind the last report of an open loop.
const catchUp = 5 * time.Second

// An openRun is a turn of an open loop; the reports are numbered through, and the i-th client sends each i-th.
type openRun struct {
	start   time.Time
	clients []*benchClient
	sent    []atomic.Int64 // nanoseconds behind start
	took    []time.Duration
}

// pace sends them all, and tells by how much each was late.
func (o *openRun) pace(every time.Duration) (late []time.Duration) {
	for n := range o.sent {
		due := time.Duration(n) * every
		sleepUntil(o.start.Add(due))
		now := time.Since(o.start)
		late = append(late, now-due)
		o.sent[n].Store(int64(now))
		if o.clients[n%len(o.clients)].send() != nil {
			break // its buffers are full: it has long been behind
		}
	}
	return late
}

// listen waits for a client's PUBACKs, whose identifiers begin with 1; 0 stays for those that do not come.
func (o *openRun) listen(i, rounds int) {
	c := o.clients[i]
	for range rounds {
		id, err := c.puback()
		if err != nil {
			return
		}
		n := (int(id)-1)*len(o.clients) + i
		o.took[n] = time.Since(o.start) - time.Duration(o.sent[n].Load())
	}
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
