package day_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/cloud"
)

// What the world takes.
const (
	fsync = 5 * time.Millisecond  // of a commit
	trip  = 50 * time.Millisecond // to AWS and back
	// warm is how long nothing is counted: until metrics are known, and passes come and go.
	warm = 5 * time.Minute
)

// began is when the measuring begins: a bubble's clock shows a year in which no device believes its own.
var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// measure has devices send to a gateway for some time, and returns what it wrote.
func (p *place) measure(t *testing.T, form string, l *load, d time.Duration) *result {
	t.Helper()
	r := &result{title: fmt.Sprintf("%d devices, form %s", len(l.names), form), took: d, page: p.counter.owns.page}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(began))
		s := newSite(t, p, form, trip, l.names)
		ctx, cancel := context.WithCancel(t.Context())
		var sending sync.WaitGroup
		for i := range l.names {
			sending.Go(func() { l.send(ctx, t, s, i) })
		}
		time.Sleep(warm)
		synctest.Wait()
		p.counter.restart()
		l.restart()
		messages, bytes := s.aws.messages.Load(), s.aws.bytes.Load()
		time.Sleep(d)
		synctest.Wait()
		r.counts = p.counter.restart()
		r.reports, r.sent, r.samples = l.restart()
		r.published, r.out = s.aws.messages.Load()-messages, s.aws.bytes.Load()-bytes
		cancel()
		sending.Wait()
		s.stop()
	})
	return r
}

// TestDay_tenAgents measures an hour, and for make day as long as DAY says.
func TestDay_tenAgents(t *testing.T) {
	d := time.Hour
	if text := os.Getenv("DAY"); text != "" {
		var err error
		if d, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, form := range []string{cloud.Metric, cloud.EMF} {
		t.Run(form, func(t *testing.T) {
			r := newPlace(t, 0).measure(t, form, agents(10), d)
			r.print(t.Output())
			if n := r.reasons[unknown]; n != nil {
				t.Errorf("of %d pages it is not known what they are for", n.pages)
			}
		})
	}
}

// TestDay_twoThousand is for make day: it takes half a minute.
func TestDay_twoThousand(t *testing.T) {
	if os.Getenv("DAY") == "" {
		t.Skip("for make day")
	}
	for _, form := range []string{cloud.Metric, cloud.EMF} {
		t.Run(form, func(t *testing.T) {
			r := newPlace(t, 0).measure(t, form, spread(2000), 2*time.Minute)
			r.print(t.Output())
		})
	}
}
