package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"sync"

	"piway/localcore/localcore"
	"piway/shared/sample"
)

// A book knows each report that was made, and whether its device got the PUBACK. A report has one sample, whose value
// is its number in the book. The methods are safe for concurrent use.
type book struct {
	mu  sync.Mutex // guards all
	all []made
}

type made struct {
	device int
	name   string
	time   float64 // Unix seconds
	acked  bool
}

func (b *book) made(device int, name string, at float64) (number int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, made{device: device, name: name, time: at})
	return len(b.all) - 1
}

func (b *book) acknowledged(number int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all[number].acked = true
}

// A verdict is what became of the reports.
type verdict struct {
	acked int
	lost  int // acknowledged, and not in CloudWatch
	twice int // in CloudWatch again, each time counted
	wrong int // in CloudWatch, and never made, or not with this name or time
	first string
}

// minus is what came of the reports since an earlier verdict.
func (v verdict) minus(w verdict) verdict {
	return verdict{v.acked - w.acked, v.lost - w.lost, v.twice - w.twice, v.wrong - w.wrong, v.first}
}

// judge compares what was made with what CloudWatch took, as in localcore's record.
func (b *book) judge(record string) (v verdict, err error) {
	taken, err := readRecord(record)
	if err != nil {
		return v, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := make([]int, len(b.all))
	for _, d := range taken {
		i := int(d.Value)
		if !b.fits(i, &d) {
			v.wrong++
			v.first = fmt.Sprintf("%s of %s: %v at %s was never made", d.Name, d.Dimensions["device"], d.Value, d.Timestamp)
			continue
		}
		seen[i]++
	}
	for i, m := range b.all {
		v.twice += max(0, seen[i]-1)
		if !m.acked {
			continue
		}
		v.acked++
		if seen[i] == 0 {
			v.lost++
			v.first = fmt.Sprintf("report %d, %s of %s%d, of %.3f, is lost", i, m.name, devicePrefix, m.device, m.time)
		}
	}
	return v, nil
}

// fits reports whether a datum is the i-th report that was made. The mutex is held.
func (b *book) fits(i int, d *localcore.Recorded) bool {
	if i < 0 || i >= len(b.all) || d.Value != float64(i) {
		return false
	}
	m := b.all[i]
	// A window is a second long.
	return m.name == d.Name && fmt.Sprint(devicePrefix, m.device) == d.Dimensions["device"] && math.Abs(sample.Seconds(d.Timestamp)-m.time) <= 1
}

// readRecord returns what CloudWatch took; nothing if there is no record yet.
func readRecord(path string) (all []localcore.Recorded, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var d localcore.Recorded
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			return nil, fmt.Errorf("reading the record: %s: %w", lines.Text(), err)
		}
		all = append(all, d)
	}
	return all, lines.Err()
}
