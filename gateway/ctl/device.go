package ctl

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"piway/gateway/control"
	"piway/gateway/devices"
	"piway/shared/prices"
	"piway/shared/sample"
)

// A Rate is what the price of a metric depends on: the form in which it is sent, and the window that makes a datapoint.
type Rate struct {
	Form   string
	Window time.Duration
	// Worth are rules to suggest, by the name of what they would send.
	Worth map[string]string
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

// more is the price of one metric beside n others.
func (r Rate) more(n int) float64 { return r.month(n+1)*float64(n+1) - r.month(n)*float64(n) }

// A priced metric is what `device show` shows.
type priced struct {
	devices.Metric
	USD float64 `json:"usd_month"`
}

// Show prints what a device of the running gateway sends, what that costs, what stays on the LAN and what the device
// says of itself.
func Show(ctx context.Context, dataDir, name string, rate Rate, asJSON bool, out io.Writer) error {
	if !sample.IsDeviceName(name) {
		return fmt.Errorf("%q: %w", name, devices.ErrName)
	}
	var all []devices.Metric
	var beside devices.Beside
	err := control.Call(ctx, dataDir, "GET", "/devices/"+name+"/metrics", nil, &all)
	if err == nil {
		err = control.Call(ctx, dataDir, "GET", "/devices/"+name+"/beside", nil, &beside)
	}
	if err != nil {
		return unanswered(ctx, dataDir, err)
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
			devices.Beside
		}{name, shown, each * float64(len(all)), beside})
	}
	if err := printMetrics(shown, beside.Local, out); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%d metrics, %.2f USD a month if they are sent all the time (%s, before the free tier)\n",
		len(all), each*float64(len(all)), prices.Default().Region()); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(beside.Attributes)) {
		_, _ = fmt.Fprintf(out, "%s: %s\n", key, beside.Attributes[key])
	}
	return rate.suggest(len(all), beside.Local, out)
}

func printMetrics(shown []priced, local []devices.Metric, out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "metric\tunit\tlast value\tlast seen\tUSD a month")
	line := func(m devices.Metric, usd string) {
		unit, value, seen := m.Unit, fmt.Sprintf("%.6g", m.Value), m.Seen.Format(time.RFC3339)
		if m.Seen.IsZero() {
			unit, value, seen = "?", "?", "before this version"
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", m.Name, unit, value, seen, usd)
	}
	for _, m := range shown {
		line(m.Metric, fmt.Sprintf("%.2f", m.USD))
	}
	for _, m := range local {
		line(m, "stays on the LAN")
	}
	return t.Flush() // the lines above report their errors here
}

// suggest prints the rules for what of the device is worth its price and stays on the LAN. sent is how many metrics do
// not.
func (r Rate) suggest(sent int, local []devices.Metric, out io.Writer) error {
	var rules []string
	for name, rule := range r.Worth {
		if slices.ContainsFunc(local, func(m devices.Metric) bool { return strings.Contains(m.Name, name) }) {
			rules = append(rules, "  "+rule+"\n")
		}
	}
	if len(rules) == 0 {
		return nil
	}
	slices.Sort(rules)
	_, err := fmt.Fprintf(out, "worth sending too, for %.2f USD a month each, under rollup.rules:\n%s", r.more(sent),
		strings.Join(rules, ""))
	return err
}
