package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"piway/localcore/localcore"
	"piway/proof/faultfs"
	"piway/shared/sample"
)

// A verdict is what became of the samples.
type verdict struct {
	made, acked, delivered int
	lost                   int // acknowledged, and not in CloudWatch
	twice                  int // in CloudWatch again, each time counted
	wrong                  int // in CloudWatch, and never made, or not with this name or time
	dated                  int // readings of agents that were held against the time they show
	misdated, shifted      int // in CloudWatch, with a time that the gateway gave them wrongly; shifted are agents'

	firstLost, firstWrong, firstMisdated, firstShifted string
	stall                                              time.Duration // the longest time without a datum
}

// A judge compares what was made with what CloudWatch took, as in localcore's record.
type judge struct {
	book     *book
	clock    *wall         // the gateway's
	dial     *faultfs.Dial // what agents measure by the name that follows; nil for none
	dialName string
}

func (j *judge) judge(record string) (v verdict, err error) {
	f, err := os.Open(record)
	if err != nil {
		return v, err
	}
	defer func() { _ = f.Close() }() // only read
	b := j.book
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := make([]int, len(b.all))
	var last time.Time
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var d localcore.Recorded
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			return v, fmt.Errorf("reading the record: %s: %w", lines.Text(), err)
		}
		if !last.IsZero() {
			v.stall = max(v.stall, d.Received.Sub(last))
		}
		last = d.Received
		j.look(&v, seen, &d)
	}
	for i, m := range b.all {
		v.count(!m.acked.IsZero(), seen[i])
		if !m.acked.IsZero() && seen[i] == 0 {
			tell(&v.firstLost, "sample %d, %s of %s%d, of %s, is lost", i, m.name, devicePrefix, m.device, clockTime(m.time))
		}
	}
	return v, nil
}

// tell keeps the first text.
func tell(first *string, format string, args ...any) {
	if *first == "" {
		*first = fmt.Sprintf(format, args...)
	}
}

func clockTime(unix float64) string { return sample.Time(unix).Format("15:04:05.000") }

// look finds the sample of a datum. The book is locked.
func (j *judge) look(v *verdict, seen []int, d *localcore.Recorded) {
	name, device := d.Name, d.Dimensions["device"]
	if device == "" {
		name, device, _ = strings.Cut(strings.TrimSuffix(d.Name, ")"), " (")
	}
	if !strings.HasPrefix(device, devicePrefix) {
		j.lookAgent(v, name, device, d)
		return
	}
	i := int(d.Value)
	if !j.book.fits(i, d.Value, name, device) {
		v.wrong++
		tell(&v.firstWrong, "%s of %s: %v at %s", name, device, d.Value, d.Timestamp)
		return
	}
	seen[i]++
	m := &j.book.all[i]
	// The metric form dates a datum by its window's start, a second long.
	off := d.Timestamp.Sub(sample.Time(m.time))
	switch {
	case !m.timeless && off.Abs() > time.Second:
		v.wrong++
		tell(&v.firstWrong, "%s of %s, taken at %s, is off by %s", name, device, clockTime(m.time), off)
	case m.timeless && !j.clock.explains(d.Timestamp.Sub(m.acked), off, d.Received) && !m.acked.IsZero():
		v.misdated++
		tell(&v.firstMisdated, "%s of %s, received at %s, is off by %s", name, device, d.Received.Format("15:04:05.000"), off.Round(time.Millisecond))
	}
}

// lookAgent holds a reading of the dial against the time that it shows.
func (j *judge) lookAgent(v *verdict, name, device string, d *localcore.Recorded) {
	if j.dial == nil || name != j.dialName {
		return
	}
	v.dated++
	if off := d.Timestamp.Sub(j.dial.Time(d.Value)); !j.clock.explains(off, off, d.Received) {
		v.shifted++
		tell(&v.firstShifted, "of %s, received at %s, is off by %s", device, d.Received.Format("15:04:05.000"), off.Round(time.Millisecond))
	}
}

// fits reports whether a datum is the i-th sample that was made.
func (b *book) fits(i int, value float64, name, device string) bool {
	if i < 0 || i >= len(b.all) || value != float64(i) {
		return false
	}
	m := b.all[i]
	return m.name == name && fmt.Sprint(devicePrefix, m.device) == device
}

func (v *verdict) count(acked bool, seen int) {
	v.made++
	if acked {
		v.acked++
	}
	switch {
	case seen > 0:
		v.delivered++
		v.twice += seen - 1
	case acked:
		v.lost++
	}
}
