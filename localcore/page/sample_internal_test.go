package page

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// Local is UTC for the tests, wherever they run.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

// noon is the time of the sample views.
var noon = time.Date(2026, 1, 5, 12, 3, 20, 0, time.UTC)

// sample is a view as a person sees who tries the product: five Pis with four metrics, a gap, and some trouble.
func sample(_ context.Context, ask Ask) (View, error) {
	v := trouble(ask.To)
	for i, device := range []string{"attic", "garage", "kitchen", "pi2", "pi10"} {
		for j, kind := range []struct {
			name, unit string
			level      float64
		}{
			{"cpu usage", "Percent", 14},
			{"cpu temperature", "None", 47},
			{"memory usage", "Megabytes", 1830},
			{"disk usage /", "Percent", 61},
		} {
			m := Metric{
				Namespace: "RaspberryPi", Name: fmt.Sprintf("%s (%s)", kind.name, device), Unit: kind.unit,
				Arrived: ask.To.Add(-12 * time.Second),
			}
			m.Points = func() []Point { return wave(ask, uint64(10*i+j), kind.level, device == "kitchen") }
			v.Metrics = append(v.Metrics, m)
		}
	}
	return v, nil
}

// wave makes up the points of a metric.
func wave(ask Ask, seed uint64, level float64, gap bool) []Point {
	r := rand.New(rand.NewPCG(seed, 1))
	var out []Point
	n := 0
	for t := ask.From; !t.After(ask.To); t = t.Add(ask.Period) {
		n++
		left := ask.To.Sub(t)
		away := left > ask.To.Sub(ask.From)/4 && left < ask.To.Sub(ask.From)/2
		if gap && away && n%9 != 0 {
			continue
		}
		v := level * (1 + 0.2*math.Sin(float64(t.Unix())/2900+float64(seed)) + 0.05*r.NormFloat64())
		samples := 4 * ask.Period.Minutes()
		out = append(out, Point{
			Start: t, Average: v, Minimum: v * (1 - 0.08*r.Float64()), Maximum: v * (1 + 0.1*r.Float64()),
			Sum: v * samples, SampleCount: samples,
		})
	}
	return out
}

// trouble is everything but metrics.
func trouble(now time.Time) View {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	return View{
		Started: ago(3*time.Hour + 4*time.Minute),
		Logs: []LogGroup{{
			Name: "/piway/metrics", RetentionDays: 14, Kept: 812, Expired: 3,
			Events: []LogEvent{
				{ago(10 * time.Second), `{"_aws":{"Timestamp":1767614590000,"CloudWatchMetrics":[{"Namespace":"RaspberryPi","Dimensions":[["device"]],"Metrics":[{"Name":"cpu usage","Unit":"Percent"}]}]},"device":"kitchen","cpu usage":[12.5,13.1,11.9]}`},
				{ago(70 * time.Second), `{"_aws":{"Timestamp":1767614530000,"CloudWatchMetrics":[]},"device":"attic"}`},
			},
		}},
		EMF: EMF{
			Documents: 811, ValidationErrors: 1,
			Last: []EMFError{{
				ago(70 * time.Second), "/piway/metrics", "CloudWatchMetrics: is empty",
				`{"_aws":{"Timestamp":1767614530000,"CloudWatchMetrics":[]},"device":"attic"}`,
			}},
		},
		Rules: []Rule{
			{
				Name: "piway", SQL: "SELECT * FROM 'raspi/metrics'", Enabled: true, TopicMatch: 3600, Success: 3598, Failure: 2,
				ErrorActionSuccess: 2,
			},
			{Name: "piway_emf", SQL: "SELECT VALUE *.batch FROM '$aws/rules/piway_emf/+/logs'"},
		},
		RuleNotFound: 1, NotSelected: 5,
		Failures: []Failure{{
			Time: ago(40 * time.Second), Rule: "piway", Topic: "raspi/metrics", Client: "piway-gateway",
			Action:   "CloudwatchMetric",
			Resource: "cpu usage (kitchen)", Error: "The parameter MetricData.member.1.Timestamp must specify a time within " +
				"the past two weeks.",
			Payload: `{"name":"cpu usage (kitchen)","unit":"Percent","value":"12.5","timestamp":"1763791440000"}`,
		}},
		Notifications: []Notification{{
			ago(40 * time.Second), "arn:aws:sns:us-east-1:123456789012:iot-rule-errors",
			`{"ruleName":"piway","topic":"raspi/metrics","failures":[{"failedAction":"CloudwatchMetricAction"}]}`,
		}},
		Quotas: []Quota{
			{"Publishes per connection", 100, 100, "in the busiest second", "AWS IoT Core quotas: 100/s"},
			{"Bytes per connection", 43_000, 524_288, "B in the busiest second", "AWS IoT Core quotas: 512 KB/s"},
			{"Largest message", 118_200, 131_072, "B", "AWS IoT Core quotas: 128 KB"},
			{"PutMetricData", 21, 500, "in the busiest second", "CloudWatch quotas, adjustable"},
		},
		Counters: []Counter{
			{"Discarded by throttle", 4, "Publishes beyond a quota: no PUBACK, no error.", true},
			{"Denied by policy", 0, "Publishes to a topic that the policy does not allow; the connection is closed.", true},
			{"Oversize", 0, "Messages above 128 KB; the connection is closed.", true},
			{"Takeovers", 1, "Connections closed because another client came with the same id.", false},
		},
		Connections: []Connection{{"piway-gateway", "192.168.1.10:51234", ago(3 * time.Hour)}},
		Bill: Bill{
			Covered: 3*time.Hour + 4*time.Minute, Prices: "us-east-1, AWS price pages as of 2026-09-20",
			Lines: []BillLine{
				{"CloudWatch custom metrics", 20, "metrics", 0.0256, 6, 3},
				{"CloudWatch PutMetricData", 3680, "calls", 0.0368, 8.64, 0},
				{"IoT messages", 3680, "messages", 0.00368, 0.86, 0.86},
				{"IoT rules triggered", 3680, "triggers", 0.00055, 0.13, 0.09},
				{"IoT actions", 3680, "actions", 0.00055, 0.13, 0.09},
				{"IoT connection", 184, "minutes", 0.00001, 0.0035, 0},
			},
		},
		Faults: []Fault{
			{Name: "cut", Does: "Close every connection and refuse new ones.", Until: now.Add(7 * time.Second)},
			{Name: "mute", Does: "Take messages and send no PUBACK."},
			{Name: "slow-disk", Does: "Wait a second before each PUBACK."},
		},
	}
}

// heavy is a view with 300 metrics, long names and odd values.
func heavy(_ context.Context, ask Ask) (View, error) {
	v := trouble(ask.To)
	for i := range 300 {
		m := Metric{
			Namespace: "RaspberryPi", Name: fmt.Sprintf("sensor %d", i%6), Unit: "None", Arrived: ask.To,
			Dimensions: []Dimension{{"device", fmt.Sprintf("pi%d", i/6)}, {"site", "home"}},
			Points:     func() []Point { return wave(ask, uint64(i), math.Pow(10, float64(i%30-12)), i%7 == 0) },
		}
		switch i % 6 {
		case 3:
			m.Name = "a very long name of a metric " + strings.Repeat("that goes on ", 15)
		case 4:
			m.Name, m.Points = "constant", func() []Point { return constant(ask, 42.5) }
		case 5:
			m.Name, m.Points = "below zero", func() []Point { return wave(ask, uint64(i), -3e7, true) }
		}
		v.Metrics = append(v.Metrics, m)
	}
	return v, nil
}

func constant(ask Ask, v float64) []Point {
	var out []Point
	for t := ask.From; !t.After(ask.To); t = t.Add(ask.Period) {
		out = append(out, Point{Start: t, Average: v, Minimum: v, Maximum: v, Sum: v, SampleCount: 1})
	}
	return out
}

func empty(context.Context, Ask) (View, error) { return View{}, nil }
