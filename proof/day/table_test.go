package day_test

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// A result is what was written in some time.
type result struct {
	counts
	title          string
	took           time.Duration
	reports        int64
	sent, samples  int64 // bytes of the reports, and of their samples alone
	page           int   // size of the store's
	published, out int64 // messages to AWS, and their bytes
}

const mb = 1e6

// day scales bytes of the time that was measured, to megabytes a day.
func (r *result) day(n int64) float64 {
	return float64(n) / mb * (24 * time.Hour).Seconds() / r.took.Seconds()
}

func (r *result) minute(n int64) float64 { return float64(n) / r.took.Minutes() }

// each is of one report.
func (r *result) each(n int64) float64 { return float64(n) / float64(max(r.reports, 1)) }

// ratio is how often all that was written is something else.
func (r *result) ratio(to int64) float64 { return float64(r.written()) / float64(max(to, 1)) }

// written is all that a disk takes, in bytes.
func (r *result) written() (n int64) {
	for _, s := range r.files {
		n += s.blocks
	}
	return n
}

// print writes the tables of docs/footprint.md.
func (r *result) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', tabwriter.AlignRight|tabwriter.Debug)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	defer func() { _ = w.Flush() }() // to the test's output

	line("%s", r.title)
	line("%s were measured, and bytes scaled to a day; pages of %d bytes", r.took, r.page)
	line("")
	written := r.written()
	line("%.0f bytes a report: %.1f times the report, %.1f times its samples", r.each(written), r.ratio(r.sent),
		r.ratio(r.samples))
	line("reports of %.0f bytes, %.1f MB a day; their samples %.0f bytes, %.1f MB a day", r.each(r.sent), r.day(r.sent),
		r.each(r.samples), r.day(r.samples))
	line("%.1f commits a minute, %.2f reports in each; %.1f messages a minute to AWS, %.1f MB a day", r.minute(r.commits),
		float64(r.reports)/float64(max(r.commits, 1)), r.minute(r.published), r.day(r.out))
	line("")

	line("file\tMB a day\tas written\tsyncs a minute\t")
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		s := r.files[name]
		line("%s\t%.1f\t%.1f\t%.1f\t", name, r.day(s.blocks), r.day(s.plain), r.minute(s.syncs))
	}
	line("all\t%.1f\t\t\t", r.day(written))
	line("")

	line("why\tMB a day\tof it the log\tmoved into queue.db\tpages a commit\t")
	for _, name := range sorted(r.reasons, func(s *reason) int64 { return s.log + s.moved }) {
		s := r.reasons[name]
		line("%s\t%.1f\t%.1f\t%.1f\t%.2f\t", name, r.day(s.log+s.moved), r.day(s.log), r.day(s.moved),
			float64(s.pages)/float64(max(r.commits, 1)))
	}
	line("")

	line("a commit that writes\tMB a day\ta minute\tbytes each\t")
	all := sorted(r.kinds, func(s *sum) int64 { return s.blocks })
	for _, name := range all[:min(len(all), 10)] {
		s := r.kinds[name]
		line("%s\t%.1f\t%.2f\t%d\t", name, r.day(s.blocks), r.minute(s.syncs), s.blocks/s.syncs)
	}
	line("")
}

// sorted are the keys by how much their values are, most first.
func sorted[V any](m map[string]V, size func(V) int64) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(size(m[b]), size(m[a])), cmp.Compare(a, b))
	})
}
