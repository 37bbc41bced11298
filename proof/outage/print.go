package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// printTable prints the rows, and the settings of each peer.
func printTable(out io.Writer, peers []peer, rows []result) error {
	_, _ = fmt.Fprintln(out)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "peer\tload\tacknowledged\tdelivered\tlost\ttwice\theld\treconnect\tdrain\twritten\tlate\tthrottled")
	for i := range rows {
		r := &rows[i]
		c := &r.counts
		_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%d\n", r.peer, hours(r.span), c.Acked, c.Delivered,
			c.Lost,
			c.Twice, r.held, r.reconnect.Round(time.Second), r.drainText(), size(r.written), c.late.Round(100*time.Millisecond),
			r.throttled)
	}
	_, _ = fmt.Fprintln(t)
	for _, p := range peers {
		_, _ = fmt.Fprintf(t, "%s\t%s\n", p.name, p.what)
	}
	for i := range rows {
		if n := rows[i].counts.strange; n > 0 {
			_, _ = fmt.Fprintf(t, "%s\t%d datums are no mean of the samples that were sent\n", rows[i].peer, n)
		}
		if n := rows[i].revived; n > 0 {
			_, _ = fmt.Fprintf(t, "%s\tended by itself and was started again %d times, load of %s\n", rows[i].peer, n,
				hours(rows[i].span))
		}
	}
	return t.Flush() // the lines above report their errors here
}

// drainText is the drain, or what it would have been at its pace.
func (r *result) drainText() string {
	d := r.drain.Round(100 * time.Millisecond)
	switch {
	case r.whole:
		return d.String()
	case r.stalled && r.held > 0:
		return fmt.Sprintf("stalled after %d", r.drained)
	case r.stalled:
		return d.String()
	case r.drained > 0:
		all := time.Duration(float64(r.drain) * float64(r.backlog) / float64(r.drained))
		return fmt.Sprintf("about %s, %d in %s", all.Round(time.Minute), r.drained, d.Round(time.Second))
	default:
		return "nothing came"
	}
}

func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", int(d/time.Hour))
	}
	return d.String()
}

func size(n int64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%d KiB", n>>10)
	}
}
