package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/localcore/localcore"
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

// The judge sees what is lost, what came again and what is wrong.
func TestBook_judge(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	b := &book{}
	for i := range 4 {
		b.acknowledged(b.made(0, "n1", float64(at.Unix()+int64(i))))
	}
	b.made(0, "n1", float64(at.Unix()))
	datum := func(name string, value float64, at time.Time) localcore.Recorded {
		return localcore.Recorded{Name: name, Dimensions: map[string]string{"device": "dev-0"}, Value: value, Timestamp: at}
	}
	v, err := b.judge(record(t,
		datum("n1", 0, at), datum("n1", 0, at), // twice
		datum("n1", 1, at.Add(9*time.Second)), // at another time
		datum("n2", 2, at.Add(time.Second)),   // another name
		datum("n1", 3, at.Add(3*time.Second)), datum("n1", 4, at),
		datum("n1", 7, at), // never made
	))
	v.first = ""
	if want := (verdict{acked: 4, lost: 2, twice: 1, wrong: 3}); err != nil || v != want {
		t.Errorf("got %+v, %v, want %+v", v, err, want)
	}
	if v, err := b.judge(filepath.Join(t.TempDir(), "none")); err != nil || v.lost != 4 {
		t.Errorf("without a record %+v, %v", v, err)
	}
}

// What is promised is what was seen in time; a torn line is nothing yet.
func TestDiary(t *testing.T) {
	line := func(value string) string {
		return `00000000 {"device":"a","run":"r","seq":1,"samples":[{"name":"n","unit":"None","value":` + value + `,"time":1800000000.25}]}` + "\n"
	}
	now := time.Unix(1_800_000_100, 0)
	d := &diary{}
	d.note(line("1"), now)
	d.note(line("1"), now.Add(time.Minute)) // it is seen again
	second := strings.ReplaceAll(line("2"), "000.25", "001.5")
	d.note(second[:len(second)-4], now)
	d.note(second, now.Add(time.Second))
	d.promise(now)
	datum := localcore.Recorded{Name: "n", Value: 1, Timestamp: time.Unix(1_800_000_000, 0)}
	if v := d.judge([]localcore.Recorded{datum}); v.acked != 1 || v.lost != 0 {
		t.Errorf("got %+v, want one that came", v)
	}
	third := strings.ReplaceAll(line("3"), "000.25", "002.5")
	d.note(third, now.Add(2*time.Second))
	d.promise(now.Add(time.Second))
	d.close()
	d.note(third, now.Add(2*time.Second)) // it was left, by chance
	d.promise(now.Add(time.Minute))
	if v := d.judge([]localcore.Recorded{datum}); v.acked != 2 || v.lost != 1 {
		t.Errorf("got %+v, want two of which one is lost", v)
	}
}

func TestHelp_has_examples(t *testing.T) {
	if err := program().Examples(); err != nil {
		t.Error(err)
	}
}
