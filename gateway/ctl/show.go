package ctl

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
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
			Name  string    `json:"name"`
			Added time.Time `json:"added"`
			// Twins are the addresses of two machines.
			Twins []string `json:"twins,omitempty"`
		}
		shown := []device{}
		for _, d := range all {
			pair := twins[d.Name]
			shown = append(shown, device{d.Name, d.Added, slices.DeleteFunc(pair[:], func(a string) bool { return a == "" })})
		}
		return JSON(out, shown)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "device\tadded")
	for _, d := range all {
		mark := ""
		if pair, two := twins[d.Name]; two {
			mark = "\ttwo machines speak as this one: " + pair[0] + " and " + pair[1]
		}
		_, _ = fmt.Fprintf(t, "%s\t%s%s\n", d.Name, d.Added.Format(time.RFC3339), mark)
	}
	return t.Flush() // the lines above report their errors here
}
