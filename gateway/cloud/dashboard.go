package cloud

import "fmt"

// A Series is one metric of one device, by the name that it has in the cloud: in the metric form with the device in it,
// in the emf form without.
type Series struct{ Metric, Device, Name string }

type dashboard struct {
	Widgets []widget `json:"widgets"`
}

type widget struct {
	Type       string     `json:"type"`
	X          int        `json:"x"`
	Y          int        `json:"y"`
	Width      int        `json:"width"`
	Height     int        `json:"height"`
	Properties properties `json:"properties"`
}

type properties struct {
	Title   string  `json:"title"`
	View    string  `json:"view"`
	Stacked bool    `json:"stacked"`
	Region  string  `json:"region"`
	Stat    string  `json:"stat"`
	Period  int     `json:"period"`
	Metrics [][]any `json:"metrics"`
}

// Sizes of a dashboard: its grid is 24 wide, and a widget shows at most 500 metrics (CloudWatch, dashboard body
// structure). A hundred lines are more than anybody can tell apart.
const (
	widgetWidth  = 12
	widgetHeight = 6
	perWidget    = 100
)

// Dashboard returns the body for `aws cloudwatch put-dashboard`: a graph for each metric with a line for each device,
// and one of what became of the messages.
func (n Names) Dashboard(series []Series) []byte {
	d := dashboard{Widgets: []widget{}}
	for _, g := range graphs(series) {
		p := n.properties(g.title, "Average", 60)
		for _, s := range g.series {
			p.Metrics = append(p.Metrics, n.line(s))
		}
		d.add(p)
	}
	p := n.properties("Messages of "+n.RuleName(), "Sum", 300)
	rule := []any{"AWS/IoT", "Success", "RuleName", n.RuleName(), "ActionType", "Cloudwatch Metric"}
	if n.Form == EMF {
		rule = []any{"AWS/Logs", "IncomingLogEvents", "LogGroupName", n.LogGroup}
	}
	p.Metrics = [][]any{
		rule,
		{"AWS/IoT", "RuleNotFound", "RuleName", n.RuleName()},
		{"AWS/IoT", "ParseError", "RuleName", n.RuleName()},
	}
	d.add(p)
	return text(d)
}

// line is a metric as a dashboard writes it: namespace, name, dimensions, and what to call it.
func (n Names) line(s Series) []any {
	l := []any{n.Namespace, s.Name}
	if n.Form == EMF {
		if n.Site != "" {
			l = append(l, "site", n.Site)
		}
		l = append(l, "device", s.Device)
	}
	return append(l, map[string]string{"label": s.Device})
}

func (n Names) properties(title, stat string, period int) properties {
	return properties{Title: title, View: "timeSeries", Region: n.Region, Stat: stat, Period: period, Metrics: [][]any{}}
}

func (d *dashboard) add(p properties) {
	i := len(d.Widgets)
	d.Widgets = append(d.Widgets, widget{
		"metric", i % 2 * widgetWidth, i / 2 * widgetHeight, widgetWidth, widgetHeight,
		p,
	})
}

type graph struct {
	title  string
	series []Series
}

// graphs groups the series by metric, in the order of their first, and splits what is too much for one.
func graphs(series []Series) []graph {
	var order []string
	by := map[string][]Series{}
	for _, s := range series {
		if by[s.Metric] == nil {
			order = append(order, s.Metric)
		}
		by[s.Metric] = append(by[s.Metric], s)
	}
	var all []graph
	for _, metric := range order {
		for rest, part := by[metric], 1; len(rest) > 0; part++ {
			size := min(len(rest), perWidget)
			g := graph{metric, rest[:size]}
			if part > 1 {
				g.title = fmt.Sprintf("%s (%d)", metric, part)
			}
			all, rest = append(all, g), rest[size:]
		}
	}
	return all
}
