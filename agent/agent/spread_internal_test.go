package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"piway/agent/spool"
	"piway/shared/mqttlink/fakebroker"
	"piway/shared/sample"
)

// 500 devices speak evenly over the five seconds, whatever their names have in common, each always at its own time.
func TestOffset_isSpread(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"pi-%d", "raspberrypi%03d", "site.%x"} {
		var tenths [10]int
		for i := range 500 {
			cfg := Default()
			cfg.Device = fmt.Sprintf(format, i)
			o := offset(cfg)
			if o < 0 || o >= maxOffset || o != offset(cfg) {
				t.Fatalf("%s: got %s", cfg.Device, o)
			}
			tenths[o*10/maxOffset]++
		}
		for _, n := range tenths {
			if n < 25 || n > 75 {
				t.Errorf("%s: got %v in each half second, want about 50", format, tenths)
				break
			}
		}
	}
}

// A reading goes before the next one, and before the spool would take it for undelivered.
func TestOffset_isBounded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ interval, after, most time.Duration }{
		{100 * time.Millisecond, 30 * time.Second, 50 * time.Millisecond},
		{15 * time.Second, 30 * time.Second, 5 * time.Second},
		{24 * time.Hour, 30 * time.Second, 5 * time.Second},
		{15 * time.Second, time.Second, time.Second / 2},
		{15 * time.Second, 0, 0},
	} {
		var largest time.Duration
		for i := range 200 {
			cfg := Default()
			cfg.Device, cfg.Collect.Interval, cfg.Spool.After = fmt.Sprintf("pi-%d", i), tt.interval, tt.after
			largest = max(largest, offset(cfg))
		}
		if largest > tt.most || largest < tt.most*9/10 {
			t.Errorf("%+v: got up to %s", tt, largest)
		}
	}
}

func spreading(hurry <-chan struct{}, offset time.Duration) *spread {
	quiet := slog.New(slog.DiscardHandler)
	return &spread{
		Spool: spool.Open(spool.Config{Run: "r", MaxReports: 10, Log: quiet}), offset: offset, hurry: hurry,
	}
}

// Readings keep their times, which are multiples of the interval; what is spread is when they are sent.
func TestSpread_readingsKeepTheirTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := Default()
		cfg.Collect.Disks, cfg.Collect.Temperature, cfg.Collect.Folder = []string{t.TempDir()}, false, ""
		reports := spreading(nil, 3*time.Second)
		go newSampler(cfg, "", slog.New(slog.DiscardHandler)).run(t.Context(), reports)
		var pos uint64
		for range 4 {
			next, r, err := reports.Next(t.Context(), pos)
			if err != nil {
				t.Fatal(err)
			}
			pos = next
			if at := time.Now().UnixMilli() % 15_000; at != 3000 {
				t.Errorf("sent %d ms after the multiple, want 3000", at)
			}
			for _, s := range r.Samples {
				if at := sample.Time(s.Time).UnixMilli() % 15_000; at != 0 {
					t.Errorf("%s: read %d ms after the multiple, want 0", s.Name, at)
				}
			}
		}
	})
}

// A backlog goes without a pause, and so does all when the agent ends.
func TestSpread_backlogAndEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hurry := make(chan struct{})
		reports := spreading(hurry, 3*time.Second)
		for i := range 3 { // of three boots, so that each is a report
			samples := []sample.Sample{{Name: "a", Time: float64(i + 1)}}
			reports.Add(sample.Report{Boot: fmt.Sprint(i), Uptime: 1, Samples: samples})
		}
		begun := time.Now()
		next := func(after uint64) uint64 {
			t.Helper()
			pos, _, err := reports.Next(t.Context(), after)
			if err != nil {
				t.Fatal(err)
			}
			return pos
		}
		second := next(next(0))
		if took := time.Since(begun); took != 0 {
			t.Errorf("the backlog waited for %s", took)
		}
		ended, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := reports.Next(ended, second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before its time: got %v", err)
		}
		close(hurry)
		next(second)
		if took := time.Since(begun); took != time.Second {
			t.Errorf("at the end: waited until %s, want 1s", took)
		}
	})
}

// The agent waits for its time, before it stamps the report as sent.
func TestRun_sendsAtItsOffset(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	cfg := Default()
	cfg.Gateway.Address, cfg.Collect.Interval, cfg.Collect.Folder, cfg.Spool.Dir = b.Addr(), time.Second, "", ""
	for i := 0; offset(cfg) < 300*time.Millisecond; i++ {
		cfg.Device = fmt.Sprintf("pi-%d", i)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	done := make(chan error, 1)
	go func() { done <- Run(ctx, cfg, slog.New(slog.DiscardHandler)) }()
	for seen := 0; seen < 2; {
		var p fakebroker.Publish
		select {
		case p = <-b.Publishes:
		case <-ctx.Done():
			t.Fatal("no report")
		}
		m, err := sample.Decode(p.Payload)
		if err != nil {
			continue // the status
		}
		seen++
		if waited := m.Report.Sent - sample.Newest(m.Report.Samples); waited < offset(cfg).Seconds()-0.002 {
			t.Errorf("sent %f s after the reading, want %s or more", waited, offset(cfg))
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Own readings come among the agent's, oldest first, and do not make a report look newer than it is.
func TestSampler_ownReadings(t *testing.T) {
	t.Parallel()
	cfg := Default()
	cfg.Collect.Disks, cfg.Collect.CPU, cfg.Collect.Folder = nil, false, t.TempDir()
	now := sample.Seconds(time.Now())
	text := fmt.Sprintf(`[{"name":"b","unit":"None","value":1},{"name":"a","unit":"None","value":1,"time":%f},
		{"name":"c","unit":"None","value":1,"time":%f}]`, now-100, now+1000)
	if err := os.WriteFile(filepath.Join(cfg.Collect.Folder, "a.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, _ := newSampler(cfg, "", slog.New(slog.DiscardHandler)).read(t.Context())
	if n := len(r.Samples); n < 3 || r.Samples[0].Name != "a" || r.Samples[n-1].Name != "b" ||
		sample.Newest(r.Samples) > sample.Seconds(time.Now()) {
		t.Errorf("got %+v", r)
	}
}
