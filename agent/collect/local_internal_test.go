package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"piway/agent/collect/hosttest"
	"piway/agent/collect/reading"
	"piway/shared/sample"
)

// local returns what the local sensors of a collector gave, by name, and nil if it was not their turn.
func local(ctx context.Context, c *Collector) map[string]float64 {
	_, samples := c.Collect(ctx)
	if samples == nil {
		return nil
	}
	got := map[string]float64{}
	for _, s := range samples {
		got[s.Name] = s.Value
	}
	return got
}

func TestCollector_local_readings_come_once_a_minute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, cloud, turns := New(Options{}), 0, 0
		c.add("four", "None", func(context.Context) (float64, error) { cloud++; return 1, nil })
		c.addLocal("more", func(_ context.Context, out *reading.Found) error { out.Add("a", "None", 1); return nil })
		for i := range 41 { // ten minutes of an agent that reads every 15 s, some ms late or early
			if got := local(t.Context(), c); got != nil {
				turns++
				if i%4 != 0 {
					t.Errorf("reading %d: local ones, want them at each fourth", i)
				}
			}
			time.Sleep(15*time.Second + time.Duration(i%3-1)*5*time.Millisecond)
		}
		if cloud != 41 || turns != 11 {
			t.Errorf("got %d readings, %d with local ones; want 41 and 11", cloud, turns)
		}
	})
}

func TestCollector_what_may_not_be_sent_is_counted_and_told_once(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	c.addLocal("names", func(_ context.Context, out *reading.Found) error {
		for _, name := range []string{"a\nb", "ü", strings.Repeat("x", 256), "", ":a", "good", "good", " padded"} {
			out.Add(name, "None", 1)
		}
		out.Add("nan", "None", math.NaN())
		return nil
	})
	for range 3 {
		c.localRead = time.Time{}
		got := local(t.Context(), c)
		if want := (map[string]float64{"good": 1, leftOut: 8}); !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if n := strings.Count(log.String(), "sensor fails"); n != 1 {
		t.Errorf("told %d times, want once:\n%s", n, &log)
	}
}

func TestCollector_local_samples_are_bounded(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	for i := range 3 {
		c.addLocal("many", func(_ context.Context, out *reading.Found) error {
			for j := range 70 {
				out.Add(fmt.Sprintf("m %d %d", i, j), "None", 1)
			}
			return nil
		})
	}
	got := local(t.Context(), c)
	if len(got) != maxLocal+1 || got[leftOut] != 210-maxLocal {
		t.Errorf("got %d samples, %v left out; want %d and %d", len(got)-1, got[leftOut], maxLocal, 210-maxLocal)
	}
}

func TestCollector_what_a_source_found_before_it_failed_counts(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("broken") },
		"panic": func() error { panic("broken") },
	} {
		c := New(Options{})
		c.addLocal("half", func(_ context.Context, out *reading.Found) error {
			out.Add("a", "None", 1)
			out.Say("model", "Pi")
			out.Say("serial", "")
			return fail()
		})
		if got := local(t.Context(), c); got["a"] != 1 {
			t.Errorf("%s: got %v, want a 1", name, got)
		}
		if got := c.Attributes(); !maps.Equal(got, map[string]string{"model": "Pi"}) {
			t.Errorf("%s: got attributes %v", name, got)
		}
	}
}

// What hung already takes no more of anybody's time, and each sample has the time at which it was read.
func TestCollector_a_sensor_that_hangs_is_waited_for_once(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := New(Options{})
		c.addLocal("hangs", func(context.Context, *reading.Found) error { <-release; return nil })
		c.add("good", "None", func(context.Context) (float64, error) { return 2, nil })
		for i, want := range []time.Duration{patience, 0, 0} {
			c.localRead = time.Time{}
			begin := time.Now()
			cloud, _ := c.Collect(t.Context())
			if took := time.Since(begin); took != want {
				t.Errorf("reading %d took %s, want %s", i, took, want)
			}
			if len(cloud) != 1 || cloud[0].Time != sample.Seconds(begin) {
				t.Errorf("reading %d: got %v, want it dated %v", i, cloud, sample.Seconds(begin))
			}
		}
		close(release)
	})
}

// Whatever is read beside them, the cloud gets the recipe's metrics: an upgrade raises no bill.
func TestCollector_health_changes_nothing_for_the_cloud(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unpack(t, "testdata/machines/pc.txt", dir)
	four := Options{CPU: true, Temperature: true, Memory: true, statfs: statfsOf(dir)}
	all := four
	all.Health = true
	without, with := New(four), New(all)
	for range 2 {
		a, none := without.Collect(hosttest.On(t.Context(), dir))
		b, some := with.Collect(hosttest.On(t.Context(), dir))
		if !maps.Equal(valuesOf(a), valuesOf(b)) || len(a) == 0 {
			t.Errorf("got %v with, %v without the others", b, a)
		}
		if len(none) != 0 || len(some) == 0 {
			t.Errorf("got %v local ones without, %v with", none, some)
		}
		with.localRead = time.Time{}
	}
}

// A single report has no amounts: they would be those of the second in which the CPU is measured.
func TestCollector_Prime_begins_what_goes_to_the_cloud_only(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		unpack(t, "testdata/machines/pi4.txt", dir)
		c := New(Options{CPU: true, Health: true, statfs: statfsOf(dir)})
		c.Prime(hosttest.On(t.Context(), dir))
		overlay(t, filepath.Join(dir, "later"), dir)
		time.Sleep(time.Second)
		cloud, more := c.Collect(hosttest.On(t.Context(), dir))
		if _, ok := valuesOf(cloud)["cpu usage"]; !ok {
			t.Errorf("got %v, want the CPU's usage", cloud)
		}
		got := valuesOf(more)
		if _, ok := got["network received eth0"]; ok || got["load 1m"] != 1.1 {
			t.Errorf("got %v, want the load and no amounts", got)
		}
	})
}

// Most machines lack some of the sensors: that is no news.
func TestCollector_what_a_machine_lacks_is_not_told(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := New(Options{Health: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	dir := t.TempDir()
	c.Collect(hosttest.On(t.Context(), dir))
	hosttest.Write(t, filepath.Join(dir, "proc/loadavg"), "1 2 3 1/1 1\n")
	c.localRead = time.Time{}
	if got := local(hosttest.On(t.Context(), dir), c); got["load 1m"] != 1 || log.Len() > 0 {
		t.Errorf("got %v and %s, want the load and nothing", got, &log)
	}
}
