package forward

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"piway/gateway/encode"
	"piway/gateway/pass"
	"piway/gateway/rollup"
	"piway/shared/sample"
)

// Expired datums may be anywhere in a pass. None of them is sent and all others are, in full messages, at a cost that
// grows with the number of datums and not with its square.
func TestForward_expiredAnywhere(t *testing.T) {
	const n, full = 20_000, 500
	now := time.Unix(1800000000, 0)
	for name, tt := range map[string]struct {
		old  func(i int) bool
		want int // messages
	}{
		"none":              {func(int) bool { return false }, n / full},
		"all":               {func(int) bool { return true }, 0},
		"each other":        {func(i int) bool { return i%2 == 1 }, n / 2},
		"the first half":    {func(i int) bool { return i < n/2 }, n / 2 / full},
		"one in the middle": {func(i int) bool { return i == n/2 }, n / full},
		"the last":          {func(i int) bool { return i == n-1 }, n / full},
	} {
		looked, packed, messages, sent := 0, 0, 0, 0
		f := New(Config{
			HasTimestamp: true, Log: slog.New(slog.DiscardHandler),
			Now: func() time.Time { looked++; return now },
			Form: func(datums []pass.Datum) ([]byte, int, error) {
				k := min(len(datums), full)
				packed += k
				if i := slices.IndexFunc(datums[:k], func(d pass.Datum) bool { return tt.old(d.Samples) }); i >= 0 {
					return nil, 1, errors.New("an expired datum")
				}
				return []byte("m"), k, nil
			},
		})
		datums := make([]pass.Datum, n)
		expired := 0
		for i := range datums {
			datums[i] = pass.Datum{Time: now.Unix(), Samples: i}
			if tt.old(i) {
				datums[i].Time -= 20 * 24 * 3600
				expired++
			}
		}
		b := newInHand(pass.Pass{}, datums)
		for f.message(b) != nil {
			messages++
			r := f.handed[len(f.handed)-1]
			sent += r.to - r.from
		}
		if sent != n-expired || b.pass.Expired.Len() != expired {
			t.Errorf("%s: %d sent and %d expired, want %d and %d", name, sent, b.pass.Expired.Len(), n-expired, expired)
		}
		if messages != tt.want {
			t.Errorf("%s: %d messages, want %d", name, messages, tt.want)
		}
		if looked > 8*n || packed > 4*n {
			t.Errorf("%s: looked at %d datums and packed %d, of %d", name, looked, packed, n)
		}
	}
}

// With stragglers among 20 devices with ten metrics, or without, the order in turn makes no more messages than the order
// of time does. Only backlogs of days apart make more, a few each.
func TestForward_messagesOfAPass(t *testing.T) {
	const now = 1800000000 / 60 * 60
	fleet := func(r *rollup.Rollup) {
		for d := range 20 {
			r.Add(fmt.Sprintf("pi-%02d", d), tenMetrics(now, 4))
		}
	}
	straggler := func(device string, windows, ago int) func(*rollup.Rollup) {
		return func(r *rollup.Rollup) {
			for w := range windows {
				r.Add(device, tenMetrics(now-int64(ago)-int64(60*w), 4))
			}
		}
	}
	const day = 24 * 3600
	for name, tt := range map[string]struct {
		add   []func(*rollup.Rollup)
		extra int // messages that a pass of backlogs may have more
	}{
		"a window":                           {[]func(*rollup.Rollup){fleet}, 0},
		"a window, and the last one's end":   {[]func(*rollup.Rollup){fleet, straggler("pi-07", 1, 60)}, 0},
		"one of them with three old windows": {[]func(*rollup.Rollup){fleet, straggler("pi-07", 3, 2*day)}, 0},
		"another with three old windows":     {[]func(*rollup.Rollup){fleet, straggler("pi-07a", 3, 2*day)}, 0},
		"one of them with two hours":         {[]func(*rollup.Rollup){fleet, straggler("pi-07", 120, 60)}, 0},
		"one of them with 24 h":              {[]func(*rollup.Rollup){fleet, straggler("pi-07", 1440, 60)}, 0},
		"two that return on different days": {
			[]func(*rollup.Rollup){straggler("a", 240, day), straggler("b", 240, 9*day)},
			14,
		},
	} {
		for _, reduce := range []rollup.Reduction{rollup.Avg, rollup.Values, rollup.All} {
			r := rollup.New(rollup.Settings{Window: time.Minute, Default: reduce})
			for _, add := range tt.add {
				add(r)
			}
			datums := r.Datums()
			inTurn := count(t, datums)
			slices.SortStableFunc(datums, func(a, b pass.Datum) int { // as it was
				return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Name, b.Name))
			})
			byTime := count(t, datums)
			if inTurn > byTime+tt.extra {
				t.Errorf("%s, %s: %d messages in turn, %d by time", name, reduce, inTurn, byTime)
			}
		}
	}
}

// tenMetrics returns samples of ten metrics in a window.
func tenMetrics(window int64, each int) (samples []sample.Sample) {
	for m := range 10 {
		for i := range each {
			samples = append(samples, sample.Sample{
				Name: fmt.Sprintf("metric number %d", m), Unit: "Percent", Value: float64(i) + 0.25,
				Time: float64(window + int64(60/each*i)),
			})
		}
	}
	return samples
}

func count(t *testing.T, datums []pass.Datum) (messages int) {
	t.Helper()
	form := encode.NewEMF("RaspberryPi", "home", func(full,
		device string,
	) string {
		return strings.TrimSuffix(full, " ("+device+")")
	})
	for rest := datums; len(rest) > 0; messages++ {
		_, n, err := form(rest)
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	return messages
}
