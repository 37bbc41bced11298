package day_test

import (
	"context"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/cloud"
)

// What the world takes.
const (
	fsync = 5 * time.Millisecond  // of a file; what arrives meanwhile shares the next commit
	trip  = 50 * time.Millisecond // to AWS and back
	// warm is how long nothing is counted: until metrics are known, and passes come and go.
	warm = 3 * time.Minute
)

// setting is what the environment says, or what the test takes.
func setting[T any](t *testing.T, name string, otherwise T, parse func(string) (T, error)) T {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	v, err := parse(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// began is when the measuring begins: a bubble's clock shows a year in which no device believes its own.
var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// measure has devices send to a gateway for some time, and returns what it wrote.
func (p *place) measure(t *testing.T, form string, l *load, d time.Duration) *result {
	t.Helper()
	r := &result{form: form, devices: len(l.names), took: d, page: p.counter.owns.page}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(began))
		s := newSite(t, p, form, trip, l.names)
		ctx, cancel := context.WithCancel(t.Context())
		var sending sync.WaitGroup
		for i := range l.names {
			sending.Go(func() { l.send(ctx, t, i, s.handle) })
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
		r.messages, r.cloud = s.aws.messages.Load()-messages, s.aws.bytes.Load()-bytes
		cancel()
		sending.Wait()
		s.stop()
	})
	return r
}

// A bar is what a report of ten agents may cost.
type bar struct{ bytes, commits float64 } // written a report, and made a minute

// TestDay_tenAgents measures half an hour, and for make day as long as that says.
func TestDay_tenAgents(t *testing.T) {
	d := setting(t, "PIWAY_DAY", 30*time.Minute, time.ParseDuration)
	bars := map[string]bar{cloud.Metric: {2900, 6}, cloud.EMF: {2900, 6}}
	var all []*result
	for _, form := range []string{cloud.Metric, cloud.EMF} {
		r := newPlace(t, pageSize(t)).measure(t, form, agents(10), d)
		r.hold(t, bars[form])
		all = append(all, r)
	}
	show(t.Output(), all...)
}

// hold compares what ten agents cost with a bar, and what is known with what was written.
func (r *result) hold(t *testing.T, most bar) {
	t.Helper()
	if n := r.reasons[unknown]; n != nil {
		t.Errorf("%s: of %d pages it is not known what they are for", r.form, n.pages)
	}
	if got := r.explained(); got != r.written() {
		t.Errorf("%s: of %d bytes written the reasons have %d", r.form, r.written(), got)
	}
	if got := r.minute(r.reports); got < 39 || got > 41 {
		t.Errorf("%s: %.1f reports a minute, want 40", r.form, got)
	}
	if got := r.each(r.written()); got > most.bytes {
		t.Errorf("%s: %.0f bytes written a report, want %.0f at most", r.form, got, most.bytes)
	}
	if got := r.minute(r.commits); got > most.commits {
		t.Errorf("%s: %.1f commits a minute, want %.0f at most", r.form, got, most.commits)
	}
}

// pageSize is 0 for that which a store has by itself.
func pageSize(t *testing.T) int {
	t.Helper()
	return setting(t, "PIWAY_DAY_PAGE", 0, strconv.Atoi)
}

// TestDay_many is for make day: it takes half a minute.
func TestDay_many(t *testing.T) {
	if os.Getenv("PIWAY_DAY") == "" {
		t.Skip("for make day")
	}
	var all []*result
	for _, form := range []string{cloud.Metric, cloud.EMF} {
		all = append(all, newPlace(t, pageSize(t)).measure(t, form, spread(2000), 6*time.Minute))
	}
	show(t.Output(), all...)
}
