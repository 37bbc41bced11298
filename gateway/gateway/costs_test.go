package gateway

import (
	"bytes"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"piway/configs/aws"
	"piway/gateway/cloud"
	"piway/gateway/rollup"
	"piway/gateway/settings"
	"piway/localcore/localcore"
	"piway/localcore/rules"
	"piway/shared/prices"
	"piway/shared/race"
	"piway/shared/sample"
)

var update = flag.Bool("update", false, "rewrite the table in docs/costs.md")

// The fleets and windows of the table in docs/costs.md.
var (
	costFleets  = []int{1, 5, 10, 50, 500}
	costWindows = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute}
)

const (
	costMetrics  = 4
	costInterval = 15 * time.Second // between two samples
	costsFile    = "../../docs/costs.md"
	costsBegin   = "<!-- begin: made by `go test ./gateway/gateway -run TestCosts -update` -->\n"
	costsEnd     = "<!-- end -->\n"
)

// TestCosts runs an hour of each fleet through rollup, encoder and localcore's rules, and holds the table in
// docs/costs.md to what localcore's bill makes of it. The largest fleet, nine tenths of the work, is for the long form.
func TestCosts(t *testing.T) {
	t.Parallel()
	fleets := costFleets
	switch {
	case race.Enabled:
		t.Skip("thousands of messages, one after the other: without -race only")
	case os.Getenv("PIWAY_LONG") == "" && !*update:
		fleets = fleets[:len(fleets)-1]
	}
	table := costsTable(t, fleets)
	text, err := os.ReadFile(costsFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := bytes.Cut(text, []byte(costsBegin))
	told, after, found := bytes.Cut(rest, []byte(costsEnd))
	if !found {
		t.Fatalf("%s has no place for the table", costsFile)
	}
	if columns(string(told), 1+len(fleets)) == table {
		return
	}
	if !*update {
		t.Fatalf("%s differs from what the bill says now; see it with: go test ./gateway/gateway -run TestCosts -update\n%s",
			costsFile, table)
	}
	if err := os.WriteFile(costsFile, []byte(string(before)+costsBegin+table+costsEnd+string(after)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// columns returns the first n columns of a table.
func columns(table string, n int) string {
	var b strings.Builder
	for line := range strings.Lines(table) {
		// nothing is before the first bar, a newline behind the last
		if cells := strings.SplitAfter(line, "|"); len(cells) > n+2 {
			line = strings.Join(cells[:n+1], "") + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

func costsTable(t *testing.T, fleets []int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| what is sent |")
	for _, n := range fleets {
		fmt.Fprintf(&b, " %d %s |", n, map[bool]string{true: "Pi", false: "Pis"}[n == 1])
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(fleets)) + "\n")
	row := func(what string, run func(devices int) prices.Bill) {
		fmt.Fprintf(&b, "| %s |", what)
		for _, n := range fleets {
			bill := run(n)
			fmt.Fprintf(&b, " %s (%s) |", dollars(bill.Total), dollars(bill.AfterFree))
		}
		b.WriteString("\n")
	}
	row("the old cron script: each reading from each Pi", func(n int) prices.Bill { return recipeHour(t, n) })
	for _, form := range []string{cloud.Metric, cloud.EMF} {
		for _, window := range costWindows {
			row(fmt.Sprintf("`%s`, a window of %s", form, minutes(window)),
				func(n int) prices.Bill { return formHour(t, form, window, n) })
		}
	}
	row("of it, in every row: the metrics themselves", func(n int) prices.Bill {
		return prices.Default().Month(prices.Usage{MetricMonths: float64(n * costMetrics)})
	})
	return b.String()
}

func dollars(usd float64) string { return fmt.Sprintf("%.2f", usd) }

func minutes(d time.Duration) string { return fmt.Sprintf("%dm", int(d.Minutes())) }

// costCloud is what lies behind AWS's message broker, with the rules as installed.
func costCloud(t *testing.T, start time.Time) *localcore.Cloud {
	t.Helper()
	var list []*rules.Rule
	for name, text := range map[string][]byte{aws.MetricRuleName: aws.MetricRule, aws.EMFRuleName: aws.EMFRule} {
		r, err := rules.Parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	c, err := localcore.NewCloud(localcore.CloudConfig{
		Rules: list, Groups: map[string]int{"/piway/metrics": 14}, Start: start,
		Deliver: func(string, byte, []byte) error { return nil }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// costStart is the full hour before now, so that CloudWatch takes the times.
func costStart() time.Time { return time.Now().Add(-time.Hour).Truncate(time.Hour) }

// costSamples are what a device reads at one moment; the digits are those of real readings.
func costSamples(device string, at time.Time) []sample.Sample {
	when := float64(at.Unix())
	wave := float64(at.Unix()%3600%97) / 7 // the same in each hour, so that the table is
	round := func(v float64) float64 { return float64(int(v*100)) / 100 }
	return []sample.Sample{
		{Name: "disk usage / (" + device + ")", Unit: "Percent", Value: round(41 + wave/10), Time: when},
		{Name: "cpu usage (" + device + ")", Unit: "Percent", Value: round(5 + wave), Time: when},
		{Name: "cpu temperature (" + device + ")", Unit: "None", Value: round(48 + wave/3), Time: when},
		{Name: "memory usage (" + device + ")", Unit: "Megabytes", Value: round(512 + wave*11), Time: when},
	}
}

func costDevice(i int) string { return fmt.Sprintf("pi-%03d", i) }

// formHour is the month's bill of a fleet, from an hour of it: one gateway, one connection, by Basic Ingest.
func formHour(t *testing.T, form string, window time.Duration, devices int) prices.Bill {
	t.Helper()
	cfg := settings.Default()
	cfg.Uplink.Form, cfg.Rollup.Window = form, window
	cfg.Uplink.Rule = cfg.Cloud().For(form).Rule
	f := forwardConfig(&cfg, nil, slog.New(slog.DiscardHandler))
	start := costStart()
	cloud := costCloud(t, start)
	cloud.Meter().Connect(start, 60)
	for at := start; at.Before(start.Add(time.Hour)); at = at.Add(window) {
		r := rollup.New(f.Rollup)
		for i := range devices {
			for s := at; s.Before(at.Add(window)); s = s.Add(costInterval) {
				r.Add(costDevice(i), costSamples(costDevice(i), s))
			}
		}
		for datums := r.Datums(); len(datums) > 0; {
			payload, n, err := f.Form(datums)
			if err != nil {
				t.Fatal(err)
			}
			cloud.Handle(cfg.Cloud().DataTopic(), cfg.Uplink.ClientID, payload, at.Add(window))
			datums = datums[n:]
		}
	}
	return cloud.Meter().Read(start.Add(time.Hour - time.Nanosecond)).MonthBill
}

// recipeHour is the same for the cron script: a connection of its own for each reading, which lasts a second.
func recipeHour(t *testing.T, devices int) prices.Bill {
	t.Helper()
	start := costStart()
	cloud := costCloud(t, start)
	for at := start; at.Before(start.Add(time.Hour)); at = at.Add(costInterval) {
		for i := range devices {
			for _, s := range costSamples(costDevice(i), at) {
				cloud.Meter().Connect(at, 60)
				payload := fmt.Appendf(nil, `{"name": %q, "unit": %q, "value": "%v", "timestamp": "%d"}`, s.Name, s.Unit, s.Value,
					at.Unix())
				cloud.Handle("raspi/metrics", costDevice(i), payload, at)
			}
		}
		for range devices * costMetrics {
			cloud.Meter().Disconnect(at.Add(time.Second))
		}
	}
	return cloud.Meter().Read(start.Add(time.Hour - time.Nanosecond)).MonthBill
}
