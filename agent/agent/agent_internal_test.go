package agent

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"piway/agent/spool"
	"piway/shared/sample"
)

func TestNextTick(t *testing.T) {
	t.Parallel()
	at := func(seconds float64) time.Time {
		return time.Unix(1763791440, 0).Add(time.Duration(seconds * float64(time.Second)))
	}
	for _, tt := range []struct {
		name               string
		planned, now, want time.Time
	}{
		{"the first", time.Time{}, at(3), at(15)},
		{"on time", at(15), at(15.01), at(30)},
		{"woken a little early", at(15), at(14.999), at(30)},
		{"a slow reading", at(15), at(29), at(30)},
		{"a reading that took two ticks", at(15), at(50), at(60)},
		{"clock set forward", at(15), at(100000), at(100005)},
		{"clock set back", at(100005), at(15), at(30)},
		{"a year without a clock", time.Unix(0, 0), at(7), at(15)},
	} {
		if got := nextTick(tt.planned, tt.now, 15*time.Second); !got.Equal(tt.want) {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestSampler_on_time_and_numbered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := Default()
		cfg.Collect.Disks, cfg.Collect.Temperature, cfg.Collect.Folder = []string{t.TempDir()}, false, ""
		reports := spool.Open(spool.Config{Run: "r", MaxReports: 10, Log: slog.New(slog.DiscardHandler)})
		s := newSampler(cfg, "", slog.New(slog.DiscardHandler))
		go s.run(t.Context(), reports)
		var pos uint64
		for want := int64(1); want <= 4; want++ {
			next, r, err := reports.Next(t.Context(), pos)
			if err != nil {
				t.Fatal(err)
			}
			pos = next
			if r.Seq != want || r.Run != "r" || r.Sent != 0 {
				t.Errorf("got %+v, want seq %d", r, want)
			}
			if time.Now().Unix()%15 != 0 {
				t.Errorf("report %d at %s, want a multiple of 15 s", want, time.Now())
			}
		}
	})
}

func TestDeviceFrom(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"kitchen": "kitchen", "kitchen.lan.example": "kitchen", "Küche 2": "K-che-2", "-_.x": "", "--x": "x", "": "",
	} {
		if got := deviceFrom(host); got != want {
			t.Errorf("host %q: got %q, want %q", host, got, want)
		}
	}
}

func FuzzDeviceFrom(f *testing.F) {
	for _, s := range []string{"raspberrypi", "a.b", "\xff", "--", "ä"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if name := deviceFrom(host); name != "" && !sample.IsDeviceName(name) {
			t.Errorf("host %q: got %q, which is no device name", host, name)
		}
	})
}
