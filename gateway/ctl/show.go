package ctl

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"piway/gateway/devices"
)

// JSON writes v for programs.
func JSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// List prints the devices, with a mark where two machines speak as one, see Twins.
func List(ctx context.Context, list Devices, twins map[string][2]string, asJSON bool, out io.Writer) error {
	all, err := list.All(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		type device struct {
			devices.Entry

			// Twins are the addresses of two machines.
			Twins []string `json:"twins,omitempty"`
			// Warning is what is wrong with it.
			Warning string `json:"warning,omitempty"`
		}
		shown := []device{}
		for _, e := range all {
			d := device{Entry: e, Warning: warning(e)}
			if pair, two := twins[e.Name]; two {
				d.Twins = pair[:]
			}
			shown = append(shown, d)
		}
		return JSON(out, shown)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "device\tid\tkind\tlast seen\taddress\tversion\tstate")
	for _, e := range all {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Name, none(e.ID), none(e.Kind), date(e.Seen), none(e.Address),
			none(e.Version), state(e))
	}
	if err := t.Flush(); err != nil { // the lines above report their errors here
		return err
	}
	for _, e := range all {
		if pair, two := twins[e.Name]; two {
			_, _ = fmt.Fprintf(out, "warning: two machines speak as %s: %s and %s\n", e.Name, pair[0], pair[1])
		}
		if w := warning(e); w != "" {
			_, err = fmt.Fprintf(out, "warning: %s: %s\n", e.Name, w)
		}
	}
	return err
}

func none(text string) string { return cmp.Or(text, "-") }

func date(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339)
}

// state says for how long an invitation of it is open, too.
func state(e devices.Entry) string {
	if e.Invited == 0 {
		return e.State
	}
	left := (time.Duration(e.Invited)*time.Second + time.Minute - 1).Truncate(time.Minute) / time.Minute
	if e.State == devices.StateInvited {
		return fmt.Sprintf("%s (%d min)", e.State, left)
	}
	return fmt.Sprintf("%s, %s (%d min)", e.State, devices.StateInvited, left)
}

// warning says what is wrong with how a device gets in.
func warning(e devices.Entry) string {
	if e.Kind != devices.KindPlain {
		return ""
	}
	return "it may speak without TLS, and then its password and readings cross the LAN in clear, try: piway-gateway invite " +
		e.Name + " --replace for an agent; device remove and device add for a script (docs/scripts.md); nothing where " +
		"the firmware knows no TLS"
}
