package prices_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"piway/shared/prices"
)

// cents rounds as a bill does.
func cents(usd float64) string { return fmt.Sprintf("%.2f", usd) }

func amounts(b prices.Bill) map[string]string {
	m := map[string]string{"total": cents(b.Total), "after free": cents(b.AfterFree)}
	for _, l := range b.Lines {
		m[l.What] = cents(l.USD)
	}
	return m
}

func check(t *testing.T, got, want map[string]string) {
	t.Helper()
	for what, usd := range want {
		if got[what] != usd {
			t.Errorf("%s: got %s USD, want %s", what, got[what], usd)
		}
	}
}

// 50 devices with 10 metrics a minute: 21.6 million datapoints.
func TestFleet_Month_fiftyPis(t *testing.T) {
	f := prices.Fleet{Devices: 50, MetricsPerDevice: 10, Window: time.Minute, Form: prices.FormMetric}
	want := map[string]string{
		"CloudWatch PutMetricData": "216.00", "IoT messages": "21.60", "IoT rules triggered": "3.24",
		"IoT actions executed":      "3.24",
		"CloudWatch custom metrics": "150.00", "IoT connection": "0.00", "CloudWatch Logs, taken in": "0.00",
	}
	check(t, amounts(prices.Default().Month(f.Month())), want)

	f.BasicIngest = true
	want["IoT messages"] = "0.00"
	check(t, amounts(prices.Default().Month(f.Month())), want)
}

// The same as documents: about 2 GB of logs, half a million messages.
func TestFleet_Month_fiftyPisEMF(t *testing.T) {
	f := prices.Fleet{
		Devices: 50, MetricsPerDevice: 10, Window: time.Minute, SampleInterval: time.Minute,
		Form: prices.FormEMF,
	}
	u := f.Month()
	if u.PutMetricData != 0 || u.MetricMonths != 500 {
		t.Errorf("got %v calls and %v metrics, want 0 and 500", u.PutMetricData, u.MetricMonths)
	}
	// 50 documents of 200+10×60 bytes and 26 more as events; 48.1 KB with escapes and envelopes, so 10 steps.
	if want := 50 * 826 * 43200 / 1e9; math.Abs(u.LogGB-want) > 1e-9 {
		t.Errorf("got %v GB of logs, want %v", u.LogGB, want)
	}
	if want := 10.0 * 43200; u.Messages != want || u.RulesTriggered != want || u.ActionsExecuted != want {
		t.Errorf("got %+v, want %v messages, rules and actions", u, want)
	}
	f.BasicIngest = true
	if got := f.Month().Messages; got != 0 {
		t.Errorf("Basic Ingest: got %v messages, want 0", got)
	}
	f.SampleInterval = 15 * time.Second
	if more := f.Month().LogGB - u.LogGB; math.Abs(more-50*10*3*6*43200/1e9) > 1e-9 {
		t.Errorf("three further values: got %v GB more", more)
	}
}

// Documents split at 100 metrics and 100 values, messages at 90 KB.
func TestFleet_Month_emfSplits(t *testing.T) {
	one := prices.Fleet{
		Devices: 1, MetricsPerDevice: 100, Window: time.Minute, SampleInterval: time.Minute,
		Form: prices.FormEMF,
	}
	two := one
	two.MetricsPerDevice = 101
	if got, want := two.Month().LogGB-one.Month().LogGB, (60+200+26)*43200/1e9; math.Abs(got-want) > 1e-9 {
		t.Errorf("101st metric: got %v GB more, want %v", got, want)
	}
	// 25 devices of 7262 bytes are 181,550: two full batches of 18 steps, and one of 1,550 bytes.
	one.Devices = 25
	if got, want := one.Month().Messages/43200, 37.0; got != want {
		t.Errorf("batches: got %v steps, want %v", got, want)
	}
}

// The table in README: five Pis, four metrics each.
func TestFleet_Month_fivePis(t *testing.T) {
	table := prices.Default()
	f := prices.Fleet{Devices: 5, MetricsPerDevice: 4}
	check(t, amounts(table.Month(f.Month())), map[string]string{
		"CloudWatch custom metrics": "6.00", "CloudWatch PutMetricData": "8.64", "IoT messages": "0.86",
		"IoT rules triggered": "0.13", "IoT actions executed": "0.13", "total": "15.77", "after free": "4.13",
	})
	// In the first year 500,000 messages, 250,000 rules and actions and all minutes are free too: 3 + 0.364 + 2×0.0921.
	check(t, amounts(table.FirstYear(f.Month())), map[string]string{"total": "15.77", "after free": "3.55"})

	f.Window = 5 * time.Minute
	check(t, amounts(table.Month(f.Month())), map[string]string{"total": "7.96"})

	// Four readings a minute, each with a CONNECT that costs a message too.
	f.Form = prices.FormRecipe
	check(t, amounts(table.Month(f.Month())), map[string]string{
		"CloudWatch PutMetricData": "34.56", "IoT messages": "6.91", "IoT rules triggered": "0.52", "total": "48.51",
	})
	if got, want := f.Month().Messages, 2*5*4*4*43200.0; got != want {
		t.Errorf("recipe: got %v messages, want %v", got, want)
	}
	f.BasicIngest = true
	if got, want := f.Month().Messages, 5*4*4*43200.0; got != want {
		t.Errorf("recipe with Basic Ingest: got %v messages, want the CONNECTs, %v", got, want)
	}
}

func TestFleet_Month_metricMonths(t *testing.T) {
	f := prices.Fleet{Devices: 3, MetricsPerDevice: 2, Window: time.Hour}
	if got := f.Month().MetricMonths; got != 6 {
		t.Errorf("hourly: got %v, want 6", got)
	}
	f.Window = 4 * time.Hour // three hours of four have no data
	if got := f.Month().MetricMonths; got != 1.5 {
		t.Errorf("every four hours: got %v, want 1.5", got)
	}
	if got := (prices.Fleet{Devices: 3}).Month(); got != (prices.Usage{}) {
		t.Errorf("no metrics: got %+v, want nothing", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("an unknown form was taken")
		}
	}()
	f.Form = "xml"
	f.Month()
}

func TestTable_Month_tiers(t *testing.T) {
	for metrics, want := range map[float64]float64{
		0: 0, 10: 3, 10_000: 3000, 10_001: 3000.10, 250_000: 27_000, 1_000_000: 64_500, 1_000_001: 64_500.02,
	} {
		b := prices.Default().Month(prices.Usage{MetricMonths: metrics})
		if math.Abs(b.Total-want) > 1e-6 {
			t.Errorf("%v metrics: got %v USD, want %v", metrics, b.Total, want)
		}
	}
}

func TestTable_Month_free(t *testing.T) {
	b := prices.Default().Month(prices.Usage{LogGB: 3, PutMetricData: 1_500_000})
	for _, l := range b.Lines {
		want := map[string][2]string{
			"CloudWatch Logs, taken in": {"1.50", "1.50"},
			"CloudWatch PutMetricData":  {"15.00", "10.00"},
		}[l.What]
		if want[0] != "" && (cents(l.USD) != want[0] || cents(l.Free) != want[1]) {
			t.Errorf("%s: got %v USD and %v free, want %v", l.What, l.USD, l.Free, want)
		}
	}
	if cents(b.Total) != "16.50" || cents(b.AfterFree) != "5.00" {
		t.Errorf("got %v and %v after the free tier, want 16.50 and 5.00", b.Total, b.AfterFree)
	}
}

func TestUsage_arithmetic(t *testing.T) {
	u := prices.Usage{
		ConnectionMinutes: 1, Messages: 2, RulesTriggered: 3, ActionsExecuted: 4, PutMetricData: 5, LogGB: 6,
		MetricMonths: 7,
	}
	want := prices.Usage{
		ConnectionMinutes: 3, Messages: 6, RulesTriggered: 9, ActionsExecuted: 12, PutMetricData: 15,
		LogGB: 18, MetricMonths: 21,
	}
	if got := u.Times(3); got != want {
		t.Errorf("Times(3): got %+v, want %+v", got, want)
	}
	if got := u.Add(u).Add(u); got != want || u.Messages != 2 {
		t.Errorf("Add: got %+v, want %+v and u unchanged", got, want)
	}
}

func TestSteps(t *testing.T) {
	for bytes, want := range map[int]float64{0: 1, 1: 1, 5120: 1, 5121: 2, 10_240: 2, 128 * 1024: 26} {
		if got := prices.Steps(bytes); got != want {
			t.Errorf("%d bytes: got %v, want %v", bytes, got, want)
		}
	}
}

// Dashboards and alarms are of a bill where there are some; a table of before they were known stands without them.
func TestTable_Month_dashboards(t *testing.T) {
	table := prices.Default()
	check(t, amounts(table.Month(prices.Usage{Dashboards: 4, Alarms: 11})), map[string]string{
		"CloudWatch dashboards": "12.00", "CloudWatch alarms": "1.10", "total": "13.10", "after free": "3.10",
	})
	for _, l := range table.Month(prices.Usage{}).Lines {
		if l.What == "CloudWatch dashboards" || l.What == "CloudWatch alarms" {
			t.Errorf("got a line of nothing: %+v", l)
		}
	}
	before, _, _ := strings.Cut(builtIn(t), "\n# The free ones show")
	old, err := prices.Parse("table", []byte(before))
	if err != nil || len(old.Prices()) != 7 {
		t.Fatalf("got %d prices, %v, want the seven of before", len(old.Prices()), err)
	}
	if _, err := prices.Parse("table", []byte(before+"\nalarms: {price: [1]}\n")); err == nil {
		t.Error("took a price without its source")
	}
}
