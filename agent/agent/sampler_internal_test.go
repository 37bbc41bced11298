package agent

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"piway/agent/publish"
	"piway/shared/sample"
)

// A fake is a machine of four readings for the cloud and others.
type fake struct{ cloud, local int }

func (f fake) Collect(context.Context) (cloud, local []sample.Sample) {
	for i := range f.cloud {
		cloud = append(cloud, sample.Sample{Name: fmt.Sprint("cloud ", i), Unit: "None", Time: 1763791460})
	}
	for i := range f.local {
		local = append(local, sample.Sample{Name: fmt.Sprint("local ", i), Unit: "None", Time: 1763791460})
	}
	return cloud, local
}

func (fake) Attributes() map[string]string { return map[string]string{"model": "fake"} }

// What is kept are the readings for the cloud, and of the others those that the gateway wants.
func TestSampler_read(t *testing.T) {
	t.Parallel()
	cfg := Default()
	cfg.Collect.Folder = ""
	s := newSampler(cfg, "", slog.New(slog.DiscardHandler))
	s.machine, s.live = fake{4, 60}, publish.NewLive()
	check := func(when string, samples, local int) sample.Report {
		t.Helper()
		reading, beside := s.read(t.Context())
		if len(reading.Samples) != samples || len(beside.Local) != local || reading.Local != nil || beside.Samples != nil {
			t.Errorf("%s: got %+v beside %+v", when, reading, beside)
		}
		if reading.Attributes != nil || local > 0 && beside.Attributes["model"] != "fake" || beside.Boot != reading.Boot {
			t.Errorf("%s: got %+v beside %+v", when, reading, beside)
		}
		return reading
	}
	check("at first", 4, 60)
	s.want([]string{"local 7", "local 1", "nothing", "cloud 1"})
	if r := check("two are wanted", 6, 58); r.Samples[4].Name != "local 1" || r.Samples[5].Name != "local 7" {
		t.Errorf("got %+v", r.Samples)
	}
	s.want(nil)
	check("none is wanted any more", 4, 60)
	s.machine = fake{0, 60}
	check("a machine with nothing for the cloud", 0, 60)
	s.machine = fake{4, 0}
	check("a machine with nothing else", 4, 0)
	s.machine, s.live = fake{4, 60}, nil
	check("one report", 4, 0)
}

// Once after the start, and then hourly.
func TestResting(t *testing.T) {
	t.Parallel()
	var r resting
	now := time.Now()
	for i, step := range []struct {
		after time.Duration
		want  bool
	}{
		{0, false},
		{15 * time.Second, true},
		{15 * time.Second, false},
		{time.Hour - 16*time.Second, false},
		{time.Second, true},
		{15 * time.Second, false},
		{2 * time.Hour, true},
	} {
		now = now.Add(step.after)
		if got := r.due(now); got != step.want {
			t.Errorf("reading %d: got %t, want %t", i, got, step.want)
		}
	}
}
