// Package prices says what AWS charges for a month of metrics. Its one promise: every figure has its source and date.
package prices

// step is what IoT Core meters by: a message counts as one for each 5 KB begun
// (aws.amazon.com/iot-core/pricing/additional-details).
const step = 5 * 1024

// Steps is how many messages IoT Core meters for one of that size, topic and payload together; rules and actions too.
func Steps(bytes int) float64 {
	return float64(max(1, (bytes+step-1)/step))
}

// Usage is what AWS meters.
type Usage struct {
	// ConnectionMinutes of all MQTT connections together.
	ConnectionMinutes float64
	// Messages, RulesTriggered and ActionsExecuted are in Steps.
	Messages, RulesTriggered, ActionsExecuted float64
	// PutMetricData is the number of calls, those of topic rules included.
	PutMetricData float64
	// LogGB are 10^9 bytes of logs taken in, with the 26 bytes that CloudWatch adds to an event.
	LogGB float64
	// MetricMonths are custom metrics, each for the part of the month's hours in which it has data.
	MetricMonths float64
	// Dashboards and Alarms are those of CloudWatch, each for a whole month.
	Dashboards, Alarms float64
}

// Times returns the usage with every figure multiplied, to scale a day to a month.
func (u Usage) Times(f float64) Usage {
	for _, m := range meters {
		*m.of(&u) *= f
	}
	return u
}

// Add returns the sum of both.
func (u Usage) Add(v Usage) Usage {
	for _, m := range meters {
		*m.of(&u) += *m.of(&v)
	}
	return u
}

// A meter is one figure of Usage, its group of a table file, and its line of a bill.
type meter struct {
	key, what, unit string
	of              func(*Usage) *float64
	in              func(*file) *Price
	// own says that localcore does not meter it: a table of somebody's may lack it, and a bill shows it where it is used.
	own bool
}

// meters are all figures of Usage, in the order of a bill.
var meters = []meter{
	{
		"metric_months", "CloudWatch custom metrics", "metric-months",
		func(u *Usage) *float64 { return &u.MetricMonths }, func(f *file) *Price { return &f.MetricMonths }, false,
	},
	{
		"put_metric_data", "CloudWatch PutMetricData", "calls",
		func(u *Usage) *float64 { return &u.PutMetricData }, func(f *file) *Price { return &f.PutMetricData }, false,
	},
	{
		"log_gigabytes", "CloudWatch Logs, taken in", "GB",
		func(u *Usage) *float64 { return &u.LogGB }, func(f *file) *Price { return &f.LogGB }, false,
	},
	{
		"messages", "IoT messages", "messages of 5 KB",
		func(u *Usage) *float64 { return &u.Messages }, func(f *file) *Price { return &f.Messages }, false,
	},
	{
		"rules_triggered", "IoT rules triggered", "rules",
		func(u *Usage) *float64 { return &u.RulesTriggered }, func(f *file) *Price { return &f.RulesTriggered }, false,
	},
	{
		"actions_executed", "IoT actions executed", "actions",
		func(u *Usage) *float64 { return &u.ActionsExecuted }, func(f *file) *Price { return &f.ActionsExecuted }, false,
	},
	{
		"connection_minutes", "IoT connection", "minutes",
		func(u *Usage) *float64 { return &u.ConnectionMinutes }, func(f *file) *Price { return &f.ConnectionMinutes },
		false,
	},
	{
		"dashboards", "CloudWatch dashboards", "dashboards",
		func(u *Usage) *float64 { return &u.Dashboards }, func(f *file) *Price { return &f.Dashboards }, true,
	},
	{
		"alarms", "CloudWatch alarms", "alarms",
		func(u *Usage) *float64 { return &u.Alarms }, func(f *file) *Price { return &f.Alarms }, true,
	},
}
