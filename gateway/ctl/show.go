package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"piway/gateway/control"
	"piway/gateway/devices"
	"piway/shared/config"
	"piway/shared/prices"
	"piway/shared/sample"
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

// A Rate is what the price of a metric depends on: the form in which it is sent, and the window that makes a datapoint.
type Rate struct {
	Form   string
	Window time.Duration
}

// month is the price in USD of each of n metrics that a device sends all month, before the free tier; without the
// connection, which all share.
func (r Rate) month(n int) float64 {
	if n == 0 {
		return 0
	}
	u := prices.Fleet{Devices: 1, MetricsPerDevice: n, Window: r.Window, Form: r.Form, BasicIngest: true}.Month()
	u.ConnectionMinutes = 0
	return prices.Default().Month(u).Total / float64(n)
}

// A priced metric is what `device show` shows.
type priced struct {
	devices.Metric
	USD float64 `json:"usd_month"`
}

// Show prints what a device of the running gateway sends, and what that costs.
func Show(ctx context.Context, dataDir, name string, rate Rate, asJSON bool, out io.Writer) error {
	if !sample.IsDeviceName(name) {
		return fmt.Errorf("%q: %w", name, devices.ErrName)
	}
	var all []devices.Metric
	if err := control.Call(ctx, dataDir, "GET", "/devices/"+name+"/metrics", nil, &all); err != nil {
		if errors.Is(err, control.ErrNotRunning) {
			return config.Try(err, "start the gateway, or name its configuration with --config")
		}
		return err
	}
	each := rate.month(len(all))
	shown := []priced{}
	for _, m := range all {
		shown = append(shown, priced{m, each})
	}
	if asJSON {
		return JSON(out, struct {
			Device  string   `json:"device"`
			Metrics []priced `json:"metrics"`
			USD     float64  `json:"usd_month"`
		}{name, shown, each * float64(len(all))})
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "metric\tunit\tlast value\tlast seen\tUSD a month")
	for _, m := range shown {
		unit, value, seen := m.Unit, fmt.Sprintf("%.6g", m.Value), m.Seen.Format(time.RFC3339)
		if m.Seen.IsZero() {
			unit, value, seen = "?", "?", "before this version"
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.2f\n", m.Name, unit, value, seen, m.USD)
	}
	if err := t.Flush(); err != nil { // the lines above report their errors here
		return err
	}
	_, err := fmt.Fprintf(out, "%d metrics, %.2f USD a month if they are sent all the time (%s, before the free tier)\n",
		len(all), each*float64(len(all)), prices.Default().Region())
	return err
}
