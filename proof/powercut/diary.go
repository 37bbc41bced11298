package main

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"piway/proof/world"
	"piway/shared/sample"
)

// A diary knows the readings that were seen in the agent's files, and books as acknowledged those that the agent had
// promised to keep when the power was cut. Its methods are safe for concurrent use.
type diary struct {
	book world.Book[reading]

	mu   sync.Mutex            // guards what follows
	open map[reading]time.Time // that may be promised until the next cut, with when they were first seen
	seen map[string]bool       // by run, name and time
}

// A reading is known by what is in CloudWatch: a window is a second and a reading comes each second, so a datum is one
// reading.
type reading struct {
	name  string
	value float64
	time  int64 // Unix seconds
}

// note takes the lines of files, at the time when they were surely there.
func (d *diary) note(text string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen == nil {
		d.seen, d.open = map[string]bool{}, map[reading]time.Time{}
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
				d.open[reading{s.Name, s.Value, int64(math.Floor(s.Time))}] = now
			}
		}
	}
}

// promise books what was seen first at a time or before.
func (d *diary) promise(upTo time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for r, first := range d.open {
		if !first.After(upTo) {
			d.book.Acked(r)
			delete(d.open, r)
		}
	}
}

// close forgets what is not promised when the power is cut: that may be lost, and is not promised later.
func (d *diary) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.open)
}

// take books what CloudWatch took. What was read since, or was not promised, comes as well, and is nothing to count.
func (d *diary) take(record *world.Record) error {
	all, err := record.New()
	for _, t := range all {
		d.book.Came(reading{t.Name, t.Value, t.Timestamp.Unix()})
	}
	return err
}

// counts are of what was promised.
func (d *diary) counts() world.Counts {
	c := d.book.Counts()
	return world.Counts{Acked: c.Acked, Lost: c.Lost}
}

// lost is one that was promised and did not come, "" if there is none.
func (d *diary) lost() string {
	r, some := d.book.Lost()
	if !some {
		return ""
	}
	return fmt.Sprintf("%s of %d, %v, is lost", r.name, r.time, r.value)
}
