package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/localcore/localcore"
	"piway/proof/world"
	"piway/shared/cli"
)

// TestChaos breaks everything by one schedule: for some seconds, or for long and in all forms.
func TestChaos(t *testing.T) {
	length, forms := "5s", []string{"--form metric"}
	if world.Long() {
		length, forms = "45s", append(forms, "--form emf", "--upstream mosquitto")
	}
	for i, form := range forms {
		t.Run(form, func(t *testing.T) {
			if strings.Contains(form, mosquittoUpstream) && world.LookTool("mosquitto") == "" {
				t.Skip(world.ErrNoMosquitto)
			}
			var out strings.Builder
			args := append(strings.Fields(form), "--seed", fmt.Sprint(i+1), "--for", length)
			if err := program().Run(t.Context(), args, cli.Streams{Out: &out, Err: &out}); err != nil {
				t.Errorf("%v\n%s", err, out.String())
			}
			t.Log(out.String())
		})
	}
}

// The judge sees what a gateway's clock does not explain, and how long nothing came.
func TestJudge(t *testing.T) {
	at := time.Now().Truncate(time.Second)
	samples := new(world.Samples)
	for i := range 3 {
		samples.Acked(samples.Made(world.Sample{Device: "dev-0", Name: "t1", Time: at, Timeless: i > 0}))
	}
	samples.Made(world.Sample{Device: "dev-0", Name: "t1", Time: at, Timeless: true})
	line := func(name string, value float64, at time.Time) localcore.Recorded {
		return localcore.Recorded{Received: at, Name: name, Value: value, Timestamp: at}
	}
	path := filepath.Join(t.TempDir(), "record")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := json.NewEncoder(f)
	for _, l := range []localcore.Recorded{
		line("t1 (dev-0)", 0, at),
		line("t1 (dev-0)", 1, at.Add(-9*time.Second)), // before it was made
		line("t1 (dev-0)", 2, at.Add(time.Second)),
		line("t1 (dev-0)", 3, at.Add(-9*time.Second)), // of which nothing is known
		line("cpu usage (agent-0)", 7.5, at.Add(9*time.Second)),
	} {
		if err := lines.Encode(l); err != nil {
			t.Fatal(err)
		}
	}
	j := judge{samples: samples, clock: new(wall)}
	if err := j.judge(&world.Record{Path: path}); err != nil {
		t.Fatal(err)
	}
	if v := j.verdict(); v.Delivered != 4 || v.Wrong != 0 || v.misdated != 1 || v.stall != 18*time.Second {
		t.Errorf("got %+v", v)
	}
}

// What a clock explains: it lied, or nobody knew yet. All else is the gateway's fault.
func TestWall_explains(t *testing.T) {
	now := time.Now()
	after := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	w := &wall{states: []state{
		{after(0), 0, true},
		{after(10), time.Hour, true},
		{after(20), 0, true},
		{after(30), -480 * time.Hour, false},
		{after(40), 0, true},
	}}
	for _, tt := range []struct {
		name     string
		off      time.Duration // from when it was made
		late     time.Duration // it may have arrived so much later
		received time.Time
		want     bool
	}{
		{"right", time.Second, 0, after(5), true},
		{"wrong without a reason", 10 * time.Second, 0, after(5), false},
		{"arrived late", 10 * time.Second, 15 * time.Second, after(5), true},
		{"before the lie", time.Hour, 0, after(5), false},
		{"the lie", time.Hour, 0, after(12), true},
		{"the lie, sent later", time.Hour + time.Second, 0, after(50), true},
		{"the lie, arrived late", time.Hour + 10*time.Second, 15 * time.Second, after(12), true},
		{"not the lie", time.Minute, 0, after(12), false},
		{"nobody knew", -time.Minute, 0, after(35), true},
		{"known by now", -480 * time.Hour, 0, after(50), false},
	} {
		if got := w.explains(tt.off-tt.late, tt.off, tt.received); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestHelp_has_examples(t *testing.T) {
	if err := program().Examples(); err != nil {
		t.Error(err)
	}
}
