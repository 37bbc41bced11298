package forward

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/encode"
	"piway/gateway/queue"
	"piway/gateway/rollup"
	"piway/shared/clock"
	"piway/shared/race"
	"piway/shared/sample"
)

// A thinnedOutage is a queue with a backlog, under a clock that jumps, and what was put into it.
type thinnedOutage struct {
	t       *testing.T
	path    string
	q       *queue.Queue
	stop    func()
	jumped  time.Duration
	samples map[string]float64 // by metric and hour
	sums    map[string]float64
	datums  int
}

func (o *thinnedOutage) now() time.Time { return time.Now().Add(o.jumped) }

func (o *thinnedOutage) open(thinAfter time.Duration) {
	o.t.Helper()
	var err error
	if o.q, err = queue.Open(o.t.Context(), queue.Config{
		Path: o.path, Window: time.Minute, Grace: 10 * time.Second, MaxBytes: 1 << 30, ThinAfter: thinAfter,
		Now: o.now, Log: slog.New(slog.DiscardHandler),
	}); err != nil {
		o.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.q.Run(ctx) }()
	o.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			o.t.Errorf("running the queue: %v", err)
		}
	}
}

// fill appends two minutes of reports, of unequal number, in each half hour.
func (o *thinnedOutage) fill(hours, devices int) {
	o.t.Helper()
	seq := int64(0)
	for half := range 2 * hours {
		for minute, reports := range []int{3, 1} {
			var waiting []chan error
			for i := range reports {
				seq++
				for d := range devices {
					waiting = append(waiting, o.report(fmt.Sprintf("pi-%d", d), seq, float64(half%7*10+minute*5+i+d)))
				}
			}
			for _, done := range waiting {
				if err := <-done; err != nil {
					o.t.Fatal(err)
				}
			}
			o.jumped += time.Minute
		}
		o.jumped += 28 * time.Minute
	}
}

func (o *thinnedOutage) report(device string, seq int64, value float64) chan error {
	now := o.now()
	e := queue.Entry{Report: sample.Report{Device: device, Run: "r", Seq: seq}, Arrived: now}
	for m := range 4 {
		name := fmt.Sprintf("metric %d (%s)", m, device)
		e.Samples = append(e.Samples, sample.Sample{
			Name: name, Unit: "Count", Value: value * float64(m+1),
			Time: float64(now.Unix()),
		})
		key := name + now.UTC().Truncate(time.Hour).String()
		o.samples[key]++
		o.sums[key] += value * float64(m+1)
	}
	done := make(chan error, 1)
	o.q.Append(e, func(err error) { done <- err })
	return done
}

func (o *thinnedOutage) forwarder() *Forwarder {
	return New(Config{
		Store: o.q, Rollup: rollup.Settings{Window: time.Minute}, Form: encode.Metric, HasTimestamp: true,
		Now: o.now, SinceBoot: clock.SinceBoot, Log: slog.New(slog.DiscardHandler),
	})
}

// send takes up to n datums from the backlog and books them off.
func (o *thinnedOutage) send(f *Forwarder, n int) (sent int) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), time.Hour)
	defer cancel()
	open := 0
	ack := func() {
		if err := f.Acked(o.t.Context(), open); err != nil {
			o.t.Fatal(err)
		}
		open = 0
	}
	for ; sent < n; sent++ {
		payload, err := f.Next(ctx)
		if err != nil {
			ack()
			return sent
		}
		var m struct{ Name, Value, Timestamp, Samples string }
		if err := json.Unmarshal(payload, &m); err != nil {
			o.t.Fatal(err)
		}
		value, _ := strconv.ParseFloat(m.Value, 64)
		samples, _ := strconv.ParseFloat(m.Samples, 64)
		at, _ := strconv.ParseInt(m.Timestamp, 10, 64)
		key := m.Name + time.Unix(at, 0).UTC().Truncate(time.Hour).String()
		o.samples[key] -= samples
		o.sums[key] -= value * samples
		o.datums++
		if open++; open == 50 || sent == n-1 {
			ack()
		}
	}
	return sent
}

// balanced returns how many samples wait, were sent, and became anything else.
func (o *thinnedOutage) balanced() (waiting, sent, other int64) {
	o.t.Helper()
	accounts, err := o.q.Ledger(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	for _, a := range accounts {
		if arrival, store := a.Difference(); arrival != 0 || store != 0 {
			o.t.Errorf("%s does not balance: %d samples on arrival and %d in the store", a.Device, arrival, store)
		}
		waiting, sent, other = waiting+a.Waiting, sent+a.Sent, other+a.Received-a.Waiting-a.Sent
	}
	return waiting, sent, other
}

// TestForward_thinned: two weeks offline are thinned to hours and five minutes and sent in far fewer datums, with the
// right weights, each sample once, with restarts while they are thinned and while they are sent.
func TestForward_thinned(t *testing.T) {
	days := 13
	if race.Enabled {
		days = 3
	}
	const devices = 10
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		o := &thinnedOutage{
			t: t, path: filepath.Join(dir, "queue.db"), samples: map[string]float64{},
			sums: map[string]float64{},
		}
		o.open(0)
		o.fill(24*days, devices)
		raw, _, _ := o.balanced()
		windows, _, err := o.q.Backlog(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		o.stop()
		o.open(8 * time.Hour)
		time.Sleep(2 * time.Second)
		o.stop() // in the middle
		o.open(8 * time.Hour)
		time.Sleep(3 * time.Minute)
		if waiting, _, _ := o.balanced(); waiting != raw {
			t.Errorf("%d samples wait after thinning, want %d", waiting, raw)
		}
		// 32 hours before now stay in 5 minutes, 8 in single minutes.
		if now, _, _ := o.q.Backlog(t.Context()); now > windows/4+2*(32+8)*2 {
			t.Errorf("%d windows after thinning, %d before", now, windows)
		}
		o.send(o.forwarder(), 777) // in the middle of a pass
		o.stop()
		o.open(8 * time.Hour)
		time.Sleep(2 * time.Minute)
		o.send(o.forwarder(), math.MaxInt)
		if waiting, sent, other := o.balanced(); waiting != 0 || sent != raw || other != 0 {
			t.Errorf("%d samples wait, %d sent, %d became something else, want all %d sent", waiting, sent, other, raw)
		}
		o.stop()
		for key, n := range o.samples {
			if n != 0 || math.Abs(o.sums[key]) > 1e-6 {
				t.Fatalf("%s: %v samples and a sum of %v are left, want each sample in one datum with its weight", key, n,
					o.sums[key])
			}
		}
		if most := 4 * devices * windows / 2; o.datums > most {
			t.Errorf("%d datums, want less than %d", o.datums, most)
		}
		t.Logf("%d samples in %d windows went in %d datums", raw, windows, o.datums)
	})
}
