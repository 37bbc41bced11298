package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/localcore/localcore"
	"piway/proof/world"
)

// The same seed gives the same plan, and errors only where they are wanted.
func TestMakePlan(t *testing.T) {
	kinds := map[string]int{}
	for cut := range 40 {
		p, _ := makePlan(3, cut, true)
		if q, _ := makePlan(3, cut, true); q != p {
			t.Errorf("cut %d: %v and %v", cut, p, q)
		}
		kinds[p.errors]++
		if q, _ := makePlan(3, cut, false); q.errors != noErrors || q.kill {
			t.Errorf("cut %d without errors: %v", cut, q)
		}
	}
	if kinds[dataFails] == 0 || kinds[logFails] == 0 || kinds[logDies] == 0 || kinds[noErrors] > 0 {
		t.Errorf("kinds of errors: %v", kinds)
	}
}

// Of five cuts with errors the agent is stopped in three, and one comes when it has had time to use its folder again.
func TestPlan_forAgent(t *testing.T) {
	stopped, late := 0, 0
	for cut := range 10 {
		p, _ := makePlan(1, cut, true)
		p = p.forAgent(cut)
		if p.errors != dataFails || p.length < 6*time.Second {
			t.Errorf("cut %d: no fsync need fall into %v", cut, p)
		}
		if p.kill {
			stopped++
		}
		if p.after > recovery+syncTime {
			late++
		}
		q, _ := makePlan(1, cut, false)
		if q = q.forAgent(cut); q.errors != noErrors || q.kill {
			t.Errorf("cut %d without errors: %v", cut, q)
		}
	}
	if stopped != 6 || late != 2 {
		t.Errorf("%d of ten stopped, %d late", stopped, late)
	}
}

// What is promised is what was seen in time; a torn line is nothing yet.
func TestDiary(t *testing.T) {
	line := func(value string) string {
		return `00000000 {"device":"a","run":"r","seq":1,"samples":[{"name":"n","unit":"None","value":` + value +
			`,"time":1800000000.25}]}` + "\n"
	}
	now := time.Unix(1_800_000_100, 0)
	d := &diary{}
	d.note(line("1"), now)
	d.note(line("1"), now.Add(time.Minute)) // it is seen again
	second := strings.ReplaceAll(line("2"), "000.25", "001.5")
	d.note(second[:len(second)-4], now)
	d.note(second, now.Add(time.Second))
	d.promise(now)
	datum, err := json.Marshal(localcore.Recorded{Name: "n", Value: 1, Timestamp: time.Unix(1_800_000_000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	record := filepath.Join(t.TempDir(), "record")
	if err := os.WriteFile(record, append(datum, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.take(&world.Record{Path: record}); err != nil {
		t.Fatal(err)
	}
	if c := d.counts(); c.Acked != 1 || c.Lost != 0 {
		t.Errorf("got %+v, want one that came", c)
	}
	third := strings.ReplaceAll(line("3"), "000.25", "002.5")
	d.note(third, now.Add(2*time.Second))
	d.promise(now.Add(time.Second))
	d.close()
	d.note(third, now.Add(2*time.Second)) // it was left, by chance
	d.promise(now.Add(time.Minute))
	if c := d.counts(); c.Acked != 2 || c.Lost != 1 || d.lost() != "n of 1800000001, 2, is lost" {
		t.Errorf("got %+v, %s, want two of which one is lost", c, d.lost())
	}
}

func TestHelp_has_examples(t *testing.T) {
	if err := program().Examples(); err != nil {
		t.Error(err)
	}
}
