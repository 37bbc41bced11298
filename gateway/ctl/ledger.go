// Package ctl is what an operator asks of a gateway: whether it does its work, what became of every sample, which
// devices may connect. Its one promise: a running gateway answers for itself, and a stopped one is locked against its
// start meanwhile.
package ctl

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"piway/gateway/control"
	"piway/gateway/feedback"
	"piway/gateway/forward"
	"piway/gateway/queue/ledger"
)

// Ledger prints what became of every sample, as a table or as JSON. Its error names a device of which the figures
// do not add up.
func Ledger(ctx context.Context, dataDir string, asJSON bool, out io.Writer) error {
	var accounts []ledger.Account
	if err := control.Call(ctx, dataDir, "GET", "/ledger", nil, &accounts); err != nil {
		return unanswered(ctx, dataDir, err)
	}
	if asJSON {
		if err := JSON(out, accounts); err != nil {
			return err
		}
		return ledger.Balance(accounts)
	}
	if err := printLedger(accounts, out); err != nil {
		return err
	}
	if err := printBacklog(ctx, dataDir, out); err != nil {
		return err
	}
	if err := ledger.Balance(accounts); err != nil {
		return err
	}
	balanced := "balanced"
	if sum := ledger.Sum(accounts); sum.Booked {
		balanced += ", as booked: more reports wait than are counted again here"
	}
	_, err := fmt.Fprintln(out, balanced)
	return err
}

// printBacklog says what waits beside the live data.
func printBacklog(ctx context.Context, dataDir string, out io.Writer) error {
	var b forward.Backlog
	if err := control.Call(ctx, dataDir, "GET", "/backlog", nil, &b); err != nil {
		return err
	}
	if b.Windows <= 2 {
		return nil
	}
	left := "while AWS takes nothing"
	if b.Left > 0 {
		left = "about " + b.Left.String() + " left"
	}
	_, err := fmt.Fprintf(out, "backlog: %d windows, the oldest of %s, %s\n", b.Windows,
		b.Oldest.Local().Format(time.DateTime), left)
	return err
}

func printLedger(accounts []ledger.Account, out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "device\treceived\trefused\tduplicate\tlocal\tstored\twaiting\tsent\texpired\tdropped\t")
	for i := range accounts {
		row(t, &accounts[i])
	}
	sum := ledger.Sum(accounts)
	sum.Device = "all"
	if len(accounts) != 1 {
		row(t, &sum)
	}
	if err := t.Flush(); err != nil { // the lines above report their errors here
		return err
	}
	for _, by := range []struct {
		outcome string
		reasons map[string]int64
	}{{ledger.Refused, sum.Refused}, {ledger.Expired, sum.Expired}, {ledger.Dropped, sum.Dropped}} {
		for _, reason := range slices.Sorted(maps.Keys(by.reasons)) {
			_, _ = fmt.Fprintf(out, "%s: %d for %q\n", by.outcome, by.reasons[reason], reason)
		}
	}
	for i := range accounts {
		printCloud(&accounts[i], out)
	}
	return nil
}

// printCloud says what of a device's reports is missing, what of its samples AWS does not take, and what to change.
func printCloud(a *ledger.Account, out io.Writer) {
	if a.Missing > 0 {
		_, _ = fmt.Fprintf(out, "%s: %d reports never arrived\n", a.Device, a.Missing)
	}
	if a.Late > 0 {
		_, _ = fmt.Fprintf(out, "%s: %d reports have not arrived yet, by the gaps in their numbers\n", a.Device, a.Late)
	}
	if a.Twins > 0 {
		_, _ = fmt.Fprintf(out, "%s: %d reports showed that two machines speak under its name\n  try: %s\n", a.Device, a.Twins,
			"piway-gateway device list shows their addresses; give each a name of its own")
	}
	if a.Shifted > 0 {
		_, _ = fmt.Fprintf(out, "%s: the times of %d stored samples were corrected, because its clock was wrong\n", a.Device,
			a.Shifted)
	}
	for _, reason := range slices.Sorted(maps.Keys(a.RefusedByCloud)) {
		_, _ = fmt.Fprintf(out, "%s: AWS could not write %d of the sent samples, for %q\n  try: %s\n", a.Device,
			a.RefusedByCloud[reason], reason, feedback.Fix(reason))
	}
	for _, reason := range slices.Sorted(maps.Keys(a.Parked)) {
		_, _ = fmt.Fprintf(out, "%s: %d of the waiting samples are parked, for %q\n  try: %s\n", a.Device, a.Parked[reason],
			reason,
			"the gateway's log says which message; it is tried again once a day and at each start")
	}
}

func row(w io.Writer, a *ledger.Account) {
	refused, expired, dropped := a.Totals()
	_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n",
		a.Device, a.Received, refused, a.Duplicate, a.Local, a.Stored, a.Waiting, a.Sent, expired, dropped)
}
