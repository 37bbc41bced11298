package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/localcore/localcore"
	"piway/shared/cli"
)

// TestChaos_short breaks everything for some seconds, by one schedule.
func TestChaos_short(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	var out strings.Builder
	if err := program().Run(t.Context(), []string{"--seed", "1", "--for", "12s"}, cli.Streams{Out: &out, Err: &out}); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	t.Log(out.String())
}

// The judge sees what is lost, what came again and what is wrong.
func TestBook_judge(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	b := &book{}
	for i := range 4 {
		b.made(0, "n1", float64(at.Unix()+int64(i)), false)
	}
	b.acknowledged([]int{0, 1, 2})
	line := func(name string, value float64, at time.Time) localcore.Recorded {
		return localcore.Recorded{Received: at, Name: name, Value: value, Timestamp: at}
	}
	path := record(t,
		line("n1 (dev-0)", 0, at),
		line("n1 (dev-0)", 0, at),                    // twice
		line("n1 (dev-0)", 2, at.Add(9*time.Second)), // at another time
		line("n1 (dev-0)", 3, at.Add(3*time.Second)), // not acknowledged, and here
		line("n2 (dev-0)", 1, at.Add(time.Second)),   // another name
		line("n1 (dev-0)", 7, at),                    // never made
		line("cpu usage (agent-0)", 7.5, at),         // an agent's
	)
	j := judge{book: b}
	v, err := j.judge(path)
	if err != nil {
		t.Fatal(err)
	}
	if v.made != 4 || v.acked != 3 || v.delivered != 3 || v.lost != 1 || v.twice != 1 || v.wrong != 3 || v.stall != 9*time.Second {
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

// record writes a record.
func record(t *testing.T, lines ...localcore.Recorded) string {
	t.Helper()
	var text []byte
	for _, l := range lines {
		line, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		text = append(append(text, line...), '\n')
	}
	path := filepath.Join(t.TempDir(), "record")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHelp_has_examples(t *testing.T) {
	if err := program().Examples(); err != nil {
		t.Error(err)
	}
}
