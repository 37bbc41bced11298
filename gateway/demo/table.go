package demo

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"piway/localcore/cloudwatch"
)

// A table prints each datum as CloudWatch takes it, a line each.
type table struct {
	mu   sync.Mutex // guards the fields below; Write under it goes to a terminal or a pipe
	out  io.Writer
	n    int
	seen map[string]int // by metric name
}

func newTable(out io.Writer) *table {
	return &table{out: out, seen: map[string]int{}}
}

const tableRow = "%-8s  %-34s  %12s  %s\n"

func (t *table) head(d *demo) error {
	_, err := fmt.Fprintf(t.out, `local AWS  mqtts://%s, its page http://%s/
gateway    mqtts://%s
agents     %d, paired by invitation, a sample each every %s, a datapoint each every %s

`+tableRow, d.core.MQTTAddr(), d.core.HTTPAddr(), d.gateway.AddrTLS(), len(d.agents), Interval, window,
		"time", "metric", "value", "unit")
	return err
}

// add prints a datum. What it cannot write it drops: the demo ends when nobody reads it.
func (t *table) add(d cloudwatch.Datum) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
	name := fullName(d)
	t.seen[name]++
	_, _ = fmt.Fprintf(t.out, tableRow, d.Timestamp.Local().Format(time.TimeOnly), name, fmt.Sprintf("%.2f", d.Value),
		d.Unit)
}

// fullName is what the metric form calls a metric: in the emf form the device is a dimension.
func fullName(d cloudwatch.Datum) string {
	for _, dim := range d.Dimensions {
		if dim.Name == "device" {
			return d.Name + " (" + dim.Value + ")"
		}
	}
	return d.Name
}

func (t *table) points() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n
}

// names returns the metrics seen so far.
func (t *table) names() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.seen))
}
