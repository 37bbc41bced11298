package bill_test

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"piway/localcore/bill"
	"piway/shared/prices"
)

var start = time.Date(2025, 11, 22, 6, 0, 0, 0, time.UTC)

func usage(t *testing.T, what string, got, want prices.Usage) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 1e-12)); diff != "" {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

// Fifty devices with ten metrics, one hour of the month that AWS's prices are known for.
func TestMeter_Read_fiftyPis(t *testing.T) {
	m := bill.New(start, prices.Default())
	m.Connect(start, 100)
	for minute := range 60 {
		for i := range 500 {
			m.Message(120)
			m.Rule(120)
			m.Action(120)
			m.PutMetricData()
			m.Metric(fmt.Sprint("metric ", i), start.Add(time.Duration(minute)*time.Minute))
		}
	}
	r := m.Read(start.Add(59*time.Minute + 59*time.Second + 999*time.Millisecond))
	usage(t, "so far", r.SoFar, prices.Usage{
		ConnectionMinutes: 60 - 0.001/60, Messages: 30_001, RulesTriggered: 30_000, ActionsExecuted: 30_000,
		PutMetricData: 30_000, MetricMonths: 500.0 / 720,
	})
	want := map[string]string{
		"CloudWatch PutMetricData": "216.00", "IoT messages": "21.60", "IoT rules triggered": "3.24",
		"IoT actions executed":      "3.24",
		"CloudWatch custom metrics": "150.00", "IoT connection": "0.00", "CloudWatch Logs, taken in": "0.00",
	}
	for _, l := range r.MonthBill.Lines {
		if got := fmt.Sprintf("%.2f", l.USD); got != want[l.What] {
			t.Errorf("a month's %s: got %s USD, want %s", l.What, got, want[l.What])
		}
	}
	if got, want := r.SoFarBill.Total, r.MonthBill.Total/720; math.Abs(got-want) > 0.001 {
		t.Errorf("so far: got %v USD, want about %v", got, want)
	}
	if r.Since != start || r.Uncounted != 0 {
		t.Errorf("got since %v and %d uncounted", r.Since, r.Uncounted)
	}
}

func TestMeter_steps(t *testing.T) {
	m := bill.New(start, prices.Default())
	m.Message(5121)
	m.Rule(10_241)
	m.Action(90_000)
	m.Logs(826)
	m.Logs(174)
	usage(t, "so far", m.Read(start).SoFar, prices.Usage{Messages: 2, RulesTriggered: 3, ActionsExecuted: 18, LogGB: 1e-6})
}

func TestMeter_connections(t *testing.T) {
	m := bill.New(start, prices.Default())
	m.Connect(start.Add(time.Minute), 6000) // a CONNECT with a large will: two messages
	m.Connect(start.Add(2*time.Minute), 0)
	if got := m.Read(start.Add(3 * time.Minute)).SoFar; got.ConnectionMinutes != 3 || got.Messages != 3 {
		t.Errorf("two open: got %v minutes and %v messages, want 3 and 3", got.ConnectionMinutes, got.Messages)
	}
	m.Disconnect(start.Add(4 * time.Minute))
	m.Disconnect(start.Add(3 * time.Minute)) // the clock was set back
	if got := m.Read(start.Add(time.Hour)).SoFar.ConnectionMinutes; got != 5 {
		t.Errorf("closed: got %v minutes, want 5", got)
	}
}

func TestMeter_Metric_hours(t *testing.T) {
	for _, tc := range []struct {
		name          string
		until         time.Duration
		datums        map[string][]time.Duration // since the start, by metric
		hours, metric float64
	}{
		{"one hour", 59 * time.Minute, map[string][]time.Duration{"a": {0, time.Minute, 59 * time.Minute}, "b": {0}}, 2, 2},
		{"five minutes", 5 * time.Minute, map[string][]time.Duration{"a": {0, time.Minute}, "b": {0}}, 2, 2},
		{
			"two hours, one metric in the second", 119 * time.Minute,
			map[string][]time.Duration{"a": {0, time.Hour}, "b": {0}},
			3, 1.5,
		},
		{"a gap", 3*time.Hour - 1, map[string][]time.Duration{"a": {0, 2 * time.Hour}}, 2, 2.0 / 3},
		{"a backlog costs once", 10 * time.Minute, map[string][]time.Duration{"a": {
			0, -time.Minute, -2 * time.Hour,
			-3 * time.Hour,
		}}, 4, 1},
		{"by the datum's time", time.Minute, map[string][]time.Duration{"a": {-time.Second}}, 1, 0},
		{"the clock was set back", -2 * time.Hour, map[string][]time.Duration{"a": {0}}, 1, 1},
	} {
		m := bill.New(start, prices.Default())
		for metric, ats := range tc.datums {
			for _, at := range ats {
				m.Metric(metric, start.Add(at))
			}
		}
		r := m.Read(start.Add(tc.until))
		if got := r.SoFar.MetricMonths * 720; math.Abs(got-tc.hours) > 1e-9 {
			t.Errorf("%s: got %v metric-hours, want %v", tc.name, got, tc.hours)
		}
		if got := r.Month.MetricMonths; math.Abs(got-tc.metric) > 1e-9 {
			t.Errorf("%s: got %v metrics a month, want %v", tc.name, got, tc.metric)
		}
	}
}

// A whole month of hours, each metric in each: old hours are counted still when their metrics are forgotten.
func TestMeter_Metric_month(t *testing.T) {
	m := bill.New(start, prices.Default())
	for i := range 720 {
		for metric := range 70 {
			at := start.Add(time.Duration(i) * time.Hour)
			m.Metric(fmt.Sprint(metric), at)
			m.Metric(fmt.Sprint(metric), at.Add(-14*24*time.Hour)) // late, of an hour that is counted but for the first 14 days
		}
	}
	r := m.Read(start.Add(720*time.Hour - 1))
	if got := r.SoFar.MetricMonths * 720; math.Abs(got-70*(720+14*24)) > 1e-6 {
		t.Errorf("got %v metric-hours, want %v", got, 70*(720+14*24))
	}
	if got := r.Month.MetricMonths; math.Abs(got-70) > 1e-9 {
		t.Errorf("got %v metrics a month, want 70", got)
	}
}

func TestMeter_Metric_isBounded(t *testing.T) {
	m := bill.New(start, prices.Default())
	for i := range 100_003 {
		m.Metric(fmt.Sprint(i), start)
	}
	m.Metric("0", start)
	if r := m.Read(start); r.Uncounted != 3 || r.Month.MetricMonths != 100_000 {
		t.Errorf("got %d uncounted and %v metrics, want 3 and 100000", r.Uncounted, r.Month.MetricMonths)
	}
}

func TestMeter_Read_firstMinute(t *testing.T) {
	m := bill.New(start, prices.Default())
	m.Message(1)
	for _, now := range []time.Duration{-time.Hour, 0, time.Second, time.Minute} {
		if got := m.Read(start.Add(now)).Month.Messages; got != 43_200 {
			t.Errorf("after %s: got %v messages a month, want 43200", now, got)
		}
	}
}

func TestMeter_concurrent(t *testing.T) {
	m := bill.New(start, prices.Default())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			m.Connect(start, 1)
			for range 100 {
				m.Message(1)
				m.Rule(1)
				m.Action(1)
				m.PutMetricData()
				m.Logs(1)
				m.Metric(fmt.Sprint(i), start)
				m.Read(start)
			}
			m.Disconnect(start)
		})
	}
	wg.Wait()
	usage(t, "so far", m.Read(start).SoFar, prices.Usage{
		Messages: 808, RulesTriggered: 800, ActionsExecuted: 800, PutMetricData: 800, LogGB: 800e-9, MetricMonths: 8.0 / 720,
	})
}
