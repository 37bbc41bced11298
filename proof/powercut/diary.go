package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"piway/localcore/localcore"
	"piway/shared/sample"
)

// A diary knows the readings that were seen in the agent's files, and which of them the agent had promised to keep
// when the power was cut. Its methods are safe for concurrent use.
type diary struct {
	mu   sync.Mutex      // guards what follows
	all  []*reading      // that are promised, or may be until the next cut
	seen map[string]bool // by run, name and time
}

type reading struct {
	name     string
	value    float64
	time     float64 // Unix seconds
	first    time.Time
	promised bool
}

// note takes the lines of files, at the time when they were surely there.
func (d *diary) note(text string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen == nil {
		d.seen = map[string]bool{}
	}
	for line := range strings.Lines(text) {
		_, report, ok := strings.Cut(line, " ") // behind the checksum
		if !ok || !strings.HasSuffix(line, "\n") {
			continue
		}
		m, err := sample.Decode([]byte(report))
		if err != nil {
			continue // torn, as files are that are being written
		}
		for _, s := range m.Report.Samples {
			key := fmt.Sprint(m.Report.Run, " ", s.Name, " ", s.Time)
			if !d.seen[key] {
				d.seen[key] = true
				d.all = append(d.all, &reading{name: s.Name, value: s.Value, time: s.Time, first: now})
			}
		}
	}
}

// promise marks what was seen first at a time or before.
func (d *diary) promise(upTo time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.all {
		if !r.first.After(upTo) {
			r.promised = true
		}
	}
}

// close forgets what is not promised when the power is cut: that may be lost, and is not promised later.
func (d *diary) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = slices.DeleteFunc(d.all, func(r *reading) bool { return !r.promised })
}

// judge looks for each reading that was promised among what CloudWatch took. A window is a second and a reading comes
// each second, so a datum is one reading. What was read since, or was not promised, comes as well, and is nothing to
// count.
func (d *diary) judge(taken []localcore.Recorded) (v verdict) {
	type what struct {
		name  string
		value float64
		time  int64
	}
	came := map[what]bool{}
	for _, t := range taken {
		came[what{t.Name, t.Value, t.Timestamp.Unix()}] = true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.all {
		if !r.promised {
			continue // the power is still on
		}
		v.acked++
		if !came[what{r.name, r.value, int64(math.Floor(r.time))}] {
			v.lost++
			v.first = fmt.Sprintf("%s of %.3f, %v, is lost", r.name, r.time, r.value)
		}
	}
	return v
}
