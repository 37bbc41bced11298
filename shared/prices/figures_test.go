package prices_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/shared/prices"
)

// The figures of the built-in table, written down a second time: none changes by accident.
func TestDefault_figures(t *testing.T) {
	type figures struct {
		per, always, firstYear float64
		date                   string
	}
	want := map[string]figures{
		"IoT connection":            {1_000_000, 0, 2_250_000, "2026-09-20"},
		"IoT messages":              {1_000_000, 0, 500_000, "2026-09-20"},
		"IoT rules triggered":       {1_000_000, 0, 250_000, "2026-11-26"},
		"IoT actions executed":      {1_000_000, 0, 250_000, "2026-11-26"},
		"CloudWatch PutMetricData":  {1000, 1_000_000, 0, "2026-11-26"},
		"CloudWatch Logs, taken in": {1, 5, 0, "2026-06-13"},
		"CloudWatch custom metrics": {1, 10, 0, "2022-04-29"},
		"CloudWatch dashboards":     {1, 3, 0, "2026-06-13"},
		"CloudWatch alarms":         {1, 10, 0, "2026-06-13"},
	}
	tiers := map[string][]prices.Tier{
		"CloudWatch custom metrics": {{0.30, 10_000}, {0.10, 250_000}, {0.05, 1_000_000}, {0.02, math.Inf(1)}},
	}
	for what, usd := range map[string]float64{
		"IoT connection": 0.08, "IoT messages": 1, "IoT rules triggered": 0.15, "IoT actions executed": 0.15,
		"CloudWatch PutMetricData": 0.01, "CloudWatch Logs, taken in": 0.50, "CloudWatch dashboards": 3, "CloudWatch alarms": 0.10,
	} {
		tiers[what] = []prices.Tier{{usd, math.Inf(1)}}
	}
	got := map[string]figures{}
	for _, p := range prices.Default().Prices() {
		got[p.What] = figures{p.Per, p.FreeAlways, p.FreeFirstYear, p.Date.Format(time.DateOnly)}
		if diff := cmp.Diff(tiers[p.What], p.Tiers); diff != "" {
			t.Errorf("%s (-want +got)\n%s", p.What, diff)
		}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(figures{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
