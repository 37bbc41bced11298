package bench_test

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// bars of the gateway, and the sides that they are of.
const (
	overNATS    = 10.0
	overLibrary = 0.75
	openP99     = 10 * time.Millisecond
)

// A turnOf is what one turn of a side came to.
type turnOf struct {
	rate float64 // reports a second
	load float64 // µs a report that the load took
}

// closedLoop lets the sides take turns: what else the machine does falls on all.
func closedLoop(b *testing.B, n int) {
	t := newTable(b, "closed loop, %d connections, %d in flight each, medians of %d turns of %s",
		n, *inFlight, *turns, *turn)
	sides := t.sides(b, n, every)
	got := make([][]turnOf, len(sides))
	for i := range inTurn(len(sides)) {
		load := ownCPU(b)
		acks := float64(closed(b, sides[i], *inFlight, *turn))
		got[i] = append(got[i], turnOf{acks / turn.Seconds(), float64((ownCPU(b) - load).Microseconds()) / acks})
	}
	t.row("side", "reports/s", "gateway/side", "bar", "CPU µs a report", "load's")
	for i, s := range sides {
		s.close(b)
		ratio, bar, rate := "", "", median(each(got[i], rateOf))
		if strings.HasPrefix(s.name, "gateway") {
			b.ReportMetric(rate, unit(s.name)+"/s")
		} else {
			r := over(got[measured(sides, s)], got[i])
			b.ReportMetric(r, "gateway/"+unit(s.name))
			ratio, bar = fmt.Sprintf("%.2f", r), s.bar(r)
		}
		t.row(s.name, whole(rate), ratio, bar, whole(s.cpu), whole(median(each(got[i], loadOf))))
	}
	t.end(b)
}

// inTurn says whose turn it is; every second round goes backwards, so that what one leaves to be done does not always
// fall on the same.
func inTurn(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for round := range *turns {
			for i := range n {
				if round%2 == 1 {
					i = n - 1 - i
				}
				if !yield(i) {
					return
				}
			}
		}
	}
}

// measured is the gateway that a side is compared with.
func measured(sides []*side, s *side) int {
	return slices.IndexFunc(sides, func(other *side) bool { return other.measure && other.secure == s.secure })
}

// over is the median of the turns' ratios: neighbours in a turn had about the same machine.
func over(gateway, peer []turnOf) float64 {
	var all []float64
	for i := range peer {
		all = append(all, gateway[i].rate/peer[i].rate)
	}
	return median(all)
}

func (s *side) bar(ratio float64) string {
	bar := 0.0
	switch {
	case strings.HasPrefix(s.name, "nats"):
		bar = overNATS
	case strings.HasPrefix(s.name, "library"):
		bar = overLibrary
	default:
		return ""
	}
	return fmt.Sprintf("%g: %s", bar, verdict(ratio >= bar))
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}

// openLoop drops a side that has not caught up behind a turn: its next would begin behind.
func openLoop(b *testing.B, n int) {
	t := newTable(b, "open loop, %d reports/s over %d connections, medians of %d turns of %s, ms to the PUBACK",
		*openRate, n, *turns, *openTurn)
	sides := t.sides(b, n, every)
	got := make([][]lateness, len(sides))
	behind := make([]bool, len(sides))
	for i := range inTurn(len(sides)) {
		if !behind[i] {
			got[i] = append(got[i], open(b, sides[i], *openRate, *openTurn))
			if behind[i] = got[i][len(got[i])-1].missing; behind[i] {
				sides[i].close(b)
			}
		}
	}
	t.row("side", "kept up with", "p50", "p99", "max", "bar", "CPU µs a report", "load late, p99")
	for i, s := range sides {
		s.close(b)
		rate := median(each(got[i], func(l lateness) float64 { return l.rate }))
		late := median(each(got[i], func(l lateness) float64 { return part(l.load, 0.99) }))
		p99 := at(got[i], 0.99)
		if s.measure {
			b.ReportMetric(p99, "p99-ms-"+unit(s.name))
		}
		t.row(s.name, whole(rate)+"/s", ms(at(got[i], 0.5)), ms(p99), ms(at(got[i], 1)), openBar(s, p99), whole(s.cpu),
			ms(late))
	}
	t.end(b)
}

func openBar(s *side, p99 float64) string {
	if !s.measure {
		return ""
	}
	bar := float64(openP99) / 1e6
	return fmt.Sprintf("%g: %s", bar, verdict(p99 <= bar))
}

// residentMemory has a broker of its own for each number of connections, which has had a turn of the closed loop.
func residentMemory(b *testing.B, all []int) {
	t := newTable(b, "MiB resident, after a closed loop of %s", *turn)
	head := []string{"side"}
	rows := map[string][]string{}
	var order []string
	for _, n := range all {
		head = append(head, fmt.Sprintf("%d connections", n))
		for _, s := range t.sides(b, n, func(s *side) bool { return s.memory }) {
			closed(b, s, 1, *turn)
			if rows[s.name] == nil {
				order, rows[s.name] = append(order, s.name), []string{s.name}
			}
			rss := rssOf(b, s.proc)
			if s.measure {
				b.ReportMetric(rss, fmt.Sprintf("MiB-%s-%d", unit(s.name), n))
			}
			rows[s.name] = append(rows[s.name], whole(rss))
			s.close(b)
		}
	}
	t.row(head...)
	for _, name := range order {
		t.row(rows[name]...)
	}
	t.end(b)
}

// A table goes to the end of what is printed.
type table struct {
	*tabwriter.Writer
	left []string // out, and why
}

func newTable(b *testing.B, title string, args ...any) *table {
	_, _ = fmt.Fprintf(&tables, "\n"+title, args...)
	_, _ = fmt.Fprintf(&tables, "; an fsync took %v before\n\n", fsyncOf(b).Round(time.Microsecond))
	return &table{Writer: tabwriter.NewWriter(&tables, 0, 0, 3, ' ', tabwriter.AlignRight)}
}

// sides are those of a kind that take part, open.
func (t *table) sides(b *testing.B, n int, kind func(*side) bool) (all []*side) {
	b.Helper()
	wanted, err := regexp.Compile(*only)
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range allSides() {
		if !kind(s) || !s.measure && !wanted.MatchString(s.name) {
			continue
		}
		if missing := s.open(b, n); missing == "" {
			all = append(all, s)
		} else if line := s.name + ": " + missing; !slices.Contains(t.left, line) {
			t.left = append(t.left, line)
		}
	}
	return all
}

func every(*side) bool { return true }

func (t *table) row(cells ...string) { _, _ = fmt.Fprintln(t, strings.Join(cells, "\t")+"\t") }

func (t *table) end(b *testing.B) {
	_ = t.Flush() // to memory
	for _, line := range t.left {
		_, _ = fmt.Fprintln(&tables, line)
	}
	b.ReportMetric(0, "ns/op") // says nothing here
}

// unit is a side's name in the lines of the go command.
func unit(name string) string { return strings.NewReplacer(", ", "-", " ", "_").Replace(name) }

func rateOf(t turnOf) float64 { return t.rate }
func loadOf(t turnOf) float64 { return t.load }

// at is a part of the PUBACKs' times, in milliseconds.
func at(all []lateness, q float64) float64 {
	return median(each(all, func(l lateness) float64 { return part(l.pubacks, q) }))
}

// part is that of sorted times, in milliseconds: 1 is the last.
func part(sorted []time.Duration, q float64) float64 {
	return float64(sorted[int(q*float64(len(sorted)-1))]) / 1e6
}

func whole(x float64) string { return fmt.Sprintf("%.0f", x) }

func ms(x float64) string { return fmt.Sprintf("%.2f", x) }

func each[T any](all []T, what func(T) float64) (values []float64) {
	for _, x := range all {
		values = append(values, what(x))
	}
	return values
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// numbers are those of a flag.
func numbers(b *testing.B, list string) (all []int) {
	b.Helper()
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			b.Fatalf("%q: is no number of connections", text)
		}
		all = append(all, n)
	}
	return all
}
