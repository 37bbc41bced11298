package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"piway/localcore/core"
)

// A verdict is what became of the samples.
type verdict struct {
	made, acked, delivered int
	lost                   int // acknowledged, and not in CloudWatch
	twice                  int // in CloudWatch again, each time counted
	wrong                  int // in CloudWatch, and never made, or not with this name or time
	first                  string
	stall                  time.Duration // the longest time without a datum
}

// judge compares what was made with what CloudWatch took, as in localcore's record.
func (b *book) judge(record string) (v verdict, err error) {
	f, err := os.Open(record)
	if err != nil {
		return v, err
	}
	defer func() { _ = f.Close() }() // only read
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := make([]int, len(b.all))
	var last time.Time
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var d core.Recorded
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			return v, fmt.Errorf("reading the record: %s: %w", lines.Text(), err)
		}
		if !last.IsZero() {
			v.stall = max(v.stall, d.Received.Sub(last))
		}
		last = d.Received
		b.look(&v, seen, &d)
	}
	for i, m := range b.all {
		v.count(m.acked, seen[i])
		if m.acked && seen[i] == 0 && v.first == "" {
			v.first = fmt.Sprintf("sample %d, %s of %s%d, of %.3f, is lost", i, m.name, devicePrefix, m.device, m.time)
		}
	}
	return v, nil
}

// look finds the sample of a datum. b.mu is held.
func (b *book) look(v *verdict, seen []int, d *core.Recorded) {
	name, device := d.Name, d.Dimensions["device"]
	if device == "" {
		name, device, _ = strings.Cut(strings.TrimSuffix(d.Name, ")"), " (")
	}
	if !strings.HasPrefix(device, devicePrefix) {
		return // an agent's
	}
	i := int(d.Value)
	if !b.fits(i, d.Value, name, device, d.Timestamp) {
		v.wrong++
		v.first = fmt.Sprintf("%s of %s: %v at %s", name, device, d.Value, d.Timestamp)
		return
	}
	seen[i]++
}

// fits reports whether a datum is the i-th sample that was made.
func (b *book) fits(i int, value float64, name, device string, at time.Time) bool {
	if i < 0 || i >= len(b.all) || value != float64(i) {
		return false
	}
	m := b.all[i]
	// The metric form dates a datum by its window's start, a second long.
	return m.name == name && fmt.Sprint(devicePrefix, m.device) == device && math.Abs(float64(at.UnixMilli())/1000-m.time) <= 1
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
