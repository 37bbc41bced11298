package day_test

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// A result is what was written in some time.
type result struct {
	counts
	form            string
	devices         int
	took            time.Duration
	reports         int64
	sent, samples   int64 // bytes of the reports, and of their samples alone
	page            int   // size of the store's
	messages, cloud int64 // to AWS, and their bytes
}

const mb = 1e6

// day scales bytes of the time that was measured, to megabytes a day.
func (r *result) day(n int64) float64 {
	return float64(n) / mb * (24 * time.Hour).Seconds() / r.took.Seconds()
}

func (r *result) minute(n int64) float64 { return float64(n) / r.took.Minutes() }

// each is of one report.
func (r *result) each(n int64) float64 { return float64(n) / float64(max(r.reports, 1)) }

// written is all that a disk takes, in bytes.
func (r *result) written() (n int64) {
	for _, s := range r.files {
		n += s.blocks
	}
	return n
}

// why are the reasons, with a row for each file of which only its size is known. Their sum is written.
func (r *result) why() map[string]*reason {
	all := maps.Clone(r.reasons)
	for name, s := range r.files {
		if name != "queue.db" && name != "queue.db-wal" {
			all[name] = &reason{log: s.blocks}
		}
	}
	return all
}

// explained is their sum, in bytes.
func (r *result) explained() (n int64) {
	for _, s := range r.why() {
		n += s.log + s.moved
	}
	return n
}

// A table is one of Markdown, with a column of words and some of numbers.
type table [][]string

func (t *table) add(name string, cells ...string) { *t = append(*t, append([]string{name}, cells...)) }

func (t *table) print(out io.Writer) {
	widths := make([]int, len((*t)[0]))
	for _, row := range *t {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell), len("---:"))
		}
	}
	var text strings.Builder
	for n, row := range *t {
		fmt.Fprintf(&text, "| %-*s |", widths[0], row[0])
		for i, cell := range row[1:] {
			fmt.Fprintf(&text, " %*s |", widths[i+1], cell)
		}
		text.WriteString("\n")
		if n > 0 {
			continue
		}
		text.WriteString("|" + strings.Repeat("-", widths[0]+2) + "|")
		for _, w := range widths[1:] {
			text.WriteString(strings.Repeat("-", w+1) + ":|")
		}
		text.WriteString("\n")
	}
	_, _ = fmt.Fprintln(out, text.String()) // the test's output
}

// show writes what was measured of one load, a result beside the other.
func show(out io.Writer, all ...*result) {
	one := all[0]
	_, _ = fmt.Fprintf(out, "%d devices: %s were measured, and MB are scaled to a day; the store's pages have %d bytes\n\n",
		one.devices, one.took, one.page)
	columns := func(title string, names ...string) *table {
		row := []string{title}
		for _, r := range all {
			for _, name := range names {
				row = append(row, strings.TrimSpace(r.form+" "+name))
			}
		}
		return &table{row}
	}
	t := columns("", "")
	row := func(name, format string, value func(*result) float64) {
		var cells []string
		for _, r := range all {
			cells = append(cells, fmt.Sprintf(format, value(r)))
		}
		t.add(name, cells...)
	}
	row("written, MB a day", "%.1f", func(r *result) float64 { return r.day(r.written()) })
	row("bytes written a report", "%.0f", func(r *result) float64 { return r.each(r.written()) })
	row("bytes of a report", "%.0f", func(r *result) float64 { return r.each(r.sent) })
	row("bytes of its samples", "%.0f", func(r *result) float64 { return r.each(r.samples) })
	row("samples, MB a day", "%.1f", func(r *result) float64 { return r.day(r.samples) })
	row("written for each byte of samples", "%.1f", func(r *result) float64 { return r.day(r.written()) / r.day(r.samples) })
	row("commits a minute", "%.1f", func(r *result) float64 { return r.minute(r.commits) })
	row("reports a minute", "%.1f", func(r *result) float64 { return r.minute(r.reports) })
	row("messages a minute to AWS", "%.1f", func(r *result) float64 { return r.minute(r.messages) })
	t.print(out)

	t = columns("file", "MB a day", "in bytes", "syncs a minute")
	for _, name := range names(all, func(r *result) map[string]*sum { return r.files }, func(s *sum) int64 { return s.blocks }) {
		var cells []string
		for _, r := range all {
			s := *cmp.Or(r.files[name], new(sum))
			cells = append(cells, decimal(r.day(s.blocks)), decimal(r.day(s.plain)), decimal(r.minute(s.syncs)))
		}
		t.add(name, cells...)
	}
	t.print(out)

	t = columns("why", "MB a day", "into queue.db", "pages a commit")
	for _, name := range names(all, (*result).why, func(s *reason) int64 { return s.log + s.moved }) {
		var cells []string
		for _, r := range all {
			s := *cmp.Or(r.why()[name], new(reason))
			cells = append(cells, decimal(r.day(s.log+s.moved)), decimal(r.day(s.moved)),
				fmt.Sprintf("%.2f", float64(s.pages)/float64(max(r.commits, 1))))
		}
		t.add(name, cells...)
	}
	t.print(out)
	for _, r := range all {
		r.printKinds(out)
	}
}

// printKinds writes which commits there are, those that write most.
func (r *result) printKinds(out io.Writer) {
	t := &table{{r.form + ": a commit of", "MB a day", "a minute", "bytes each"}}
	all := names([]*result{r}, func(r *result) map[string]*sum { return r.kinds }, func(s *sum) int64 { return s.blocks })
	for _, name := range all[:min(len(all), 8)] {
		s := r.kinds[name]
		t.add(name, decimal(r.day(s.blocks)), fmt.Sprintf("%.2f", r.minute(s.syncs)), fmt.Sprint(s.blocks/s.syncs))
	}
	t.print(out)
}

func decimal(n float64) string { return fmt.Sprintf("%.1f", n) }

// names are the keys of some maps, by how much the values are, most first.
func names[V any](all []*result, of func(*result) map[string]*V, size func(*V) int64) []string {
	most := map[string]int64{}
	for _, r := range all {
		for name, v := range of(r) {
			most[name] = max(most[name], size(v))
		}
	}
	return slices.SortedFunc(maps.Keys(most), func(a, b string) int {
		return cmp.Or(cmp.Compare(most[b], most[a]), cmp.Compare(a, b))
	})
}
