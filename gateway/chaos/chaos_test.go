package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/localcore/core"
)

// TestChaos_short breaks everything for some seconds, by one schedule.
func TestChaos_short(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	var out strings.Builder
	if err := run(t.Context(), []string{"--seed", "1", "--for", "12s"}, &out); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	t.Log(out.String())
}

// The judge sees what is lost, what came again and what is wrong.
func TestBook_judge(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	b := &book{}
	for i := range 4 {
		b.made(0, "n1", float64(at.Unix()+int64(i)))
	}
	b.acknowledged([]int{0, 1, 2})
	line := func(name string, value float64, at time.Time) core.Recorded {
		return core.Recorded{Received: at, Name: name, Value: value, Timestamp: at}
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
	v, err := b.judge(path)
	if err != nil {
		t.Fatal(err)
	}
	if v.made != 4 || v.acked != 3 || v.delivered != 2 || v.lost != 2 || v.twice != 1 || v.wrong != 3 || v.stall != 9*time.Second {
		t.Errorf("got %+v", v)
	}
}

// record writes a record.
func record(t *testing.T, lines ...core.Recorded) string {
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
