package cloud

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

type dashboard struct {
	Widgets []widget `json:"widgets"`
}

type widget struct {
	Type       string `json:"type"`
	X          int    `json:"x"`
	Y          int    `json:"y"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	Properties any    `json:"properties"`
}

type note struct {
	Markdown string `json:"markdown"`
}

type graph struct {
	Title   string  `json:"title"`
	View    string  `json:"view"`
	Stacked bool    `json:"stacked"`
	Region  string  `json:"region"`
	Stat    string  `json:"stat"`
	Period  int     `json:"period"`
	Metrics [][]any `json:"metrics"`
}

type search struct {
	Expression string `json:"expression"`
	ID         string `json:"id"`
	Label      string `json:"label"` // empty leaves each line the name that tells it from the others
}

// Sizes of widgets; a dashboard's grid is 24 wide (CloudWatch, dashboard body structure).
const (
	widgetWidth  = 12
	widgetHeight = 6
	noteHeight   = 2
)

// DashboardMetrics are those of a device of which a dashboard has graphs: what agents send unless they are told
// otherwise.
var DashboardMetrics = []string{"cpu usage", "cpu temperature", "memory usage", "disk usage /"}

// messageLines are those of the graph that is not of devices.
const messageLines = 3

// DashboardLines is how many metrics the dashboard of DashboardMetrics shows. How AWS counts what a search finds is not
// documented: each line is taken to be a metric.
func DashboardLines(devices int) int { return devices*len(DashboardMetrics) + messageLines }

// Dashboard returns the body for `aws cloudwatch put-dashboard`: a graph for each metric with a line for each device,
// and one of what became of the messages. A device that is new appears by itself, in either form, whatever
// intake.name_template is: the graphs search for the words of the metric's name. A search finds what has had data
// within two weeks, and a graph shows 500 lines (CloudWatch, search expression syntax). window is rollup.window.
func (n Names) Dashboard(metrics []string, window time.Duration) []byte {
	period := max(60, int(window.Round(time.Minute).Seconds()))
	d := dashboard{Widgets: []widget{}}
	for i, metric := range metrics {
		g := n.graph(metric, "Average", period)
		g.Metrics = [][]any{{search{n.search(metric, period), fmt.Sprint("e", i+1), ""}}}
		d.add(g)
	}
	g := n.graph("messages", "Sum", 300)
	g.Metrics = [][]any{
		{"AWS/IoT", "Success", "RuleName", n.For(Metric).RuleName(), "ActionType", "Cloudwatch Metric"},
		{"AWS/Logs", "IncomingLogEvents", "LogGroupName", n.LogGroup},
		{"AWS/IoT", "RuleNotFound", "RuleName", n.RuleName()},
	}
	d.add(g)
	rows := (len(d.Widgets) + 1) / 2
	d.Widgets = append(d.Widgets, widget{"text", 0, rows * widgetHeight, 2 * widgetWidth, noteHeight, note{
		"A Pi appears here by itself when its first readings come, and goes two weeks after its last. " +
			"`piway-gateway aws setup` made this dashboard once and does not change it: it is yours.",
	}})
	return text(d)
}

// search is an expression for the metric of all devices, by single words, which are found in a name wherever they stand.
func (n Names) search(metric string, period int) string {
	terms := []string{`Namespace="` + n.Namespace + `"`}
	for _, word := range strings.FieldsFunc(metric, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		terms = append(terms, "MetricName="+word)
	}
	return fmt.Sprintf("SEARCH('%s', 'Average', %d)", strings.Join(terms, " "), period)
}

func (n Names) graph(title, stat string, period int) graph {
	return graph{Title: title, View: "timeSeries", Region: n.Region, Stat: stat, Period: period}
}

func (d *dashboard) add(g graph) {
	i := len(d.Widgets)
	d.Widgets = append(d.Widgets, widget{
		"metric", i % 2 * widgetWidth, i / 2 * widgetHeight, widgetWidth, widgetHeight, g,
	})
}

// DashboardName is of the dashboard of this account and region. Dashboards have no region (CloudWatch API,
// PutDashboard), so the name has it.
func (n Names) DashboardName() string { return AccountStack + "-" + n.Region }

// DashboardLink is where AWS's console shows it.
func (n Names) DashboardLink() string {
	console := map[string]string{"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn",
		"aws-us-gov": "console.amazonaws-us-gov.com"}[n.partition()]
	return fmt.Sprintf("https://%s/cloudwatch/home?region=%s#dashboards/dashboard/%s", console, n.Region,
		n.DashboardName())
}
