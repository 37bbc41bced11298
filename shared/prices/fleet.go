package prices

import "time"

// The forms in which a fleet's metrics go to AWS.
const (
	// FormMetric is one message and one PutMetricData call for each metric and window.
	FormMetric = "metric"
	// FormEMF is documents in CloudWatch's embedded metric format, many to a message.
	FormEMF = "emf"
	// FormRecipe is the cron script that Piway replaces: one connection and one message for each reading.
	FormRecipe = "recipe"
)

// A Fleet is a set-up to estimate.
type Fleet struct {
	Devices, MetricsPerDevice int
	// Window is what becomes one datapoint a metric (not in FormRecipe), SampleInterval how often a metric is read.
	// Zero means the defaults, a minute and 15 s.
	Window, SampleInterval time.Duration
	// Form is one of the forms; "" means FormMetric.
	Form string
	// BasicIngest says that messages go to the rule directly, which saves their price.
	BasicIngest bool
}

const (
	month = 30 * 24 * time.Hour

	defaultWindow   = time.Minute
	defaultInterval = 15 * time.Second
)

// Month estimates the usage of 30 days in which every device sends all the time. It panics on a form that there is not.
func (f Fleet) Month() Usage {
	if f.Window <= 0 {
		f.Window = defaultWindow
	}
	if f.SampleInterval <= 0 {
		f.SampleInterval = defaultInterval
	}
	if f.Devices <= 0 || f.MetricsPerDevice <= 0 {
		return Usage{}
	}
	switch f.Form {
	case FormMetric, "":
		return f.metric()
	case FormEMF:
		return f.emf()
	case FormRecipe:
		return f.recipe()
	}
	panic("prices: unknown form " + f.Form)
}

// metrics is the number of metrics, which need a datapoint an hour to cost the whole month.
func (f Fleet) metrics() float64 { return float64(f.Devices) * float64(f.MetricsPerDevice) }

func (f Fleet) metricMonths(every time.Duration) float64 {
	return f.metrics() * min(1, time.Hour.Seconds()/every.Seconds())
}

// metric: a datapoint is one message below 5 KB, which triggers one rule with one action, which makes one PutMetricData
// call. One connection stays open; its few CONNECTs are left out.
func (f Fleet) metric() Usage {
	datums := f.metrics() * perMonth(f.Window)
	u := Usage{
		ConnectionMinutes: month.Minutes(), Messages: datums, RulesTriggered: datums, ActionsExecuted: datums,
		PutMetricData: datums, MetricMonths: f.metricMonths(f.Window),
	}
	if f.BasicIngest {
		u.Messages = 0
	}
	return u
}

// Sizes of the embedded metric format, in bytes. Those of a document are without the backslashes that it gets as a
// string inside a batch: one for each of its quotes.
const (
	emfDocument    = 200 // _aws, namespace, dimensions and their values
	emfMetric      = 60  // definition and first value, at names of about 12 characters
	emfMoreValue   = 6   // each further value, as ",54.25"
	emfDocQuotes   = 20
	emfMetricQuote = 10
	emfEnvelope    = 42     // {"timestamp":…,"message":""},
	emfMetrics     = 100    // a document holds (EMF specification)
	emfValues      = 100    // of a metric in a document (EMF specification)
	emfBatch       = 90_000 // a message; the error action's base64 of it stays below 128 KB
	logEvent       = 26     // bytes that CloudWatch Logs adds to an event (PutLogEvents)
	gigabyte       = 1e9    // AWS does not say which; this one is the dearer
)

// emf: a window makes a document for each device (and for each 100 metrics or 100 values of it), with every reading as
// a value; the documents of all devices go in batches of up to 90 KB, a message each, which triggers one rule with one
// action. Messages, rules and actions are metered in 5 KB steps. There is no PutMetricData call; what is charged are
// the bytes of the documents as log events.
func (f Fleet) emf() Usage {
	values := max(1, int(f.Window/f.SampleInterval))
	parts := (values + emfValues - 1) / emfValues
	documents := parts * ((f.MetricsPerDevice + emfMetrics - 1) / emfMetrics)
	metrics := f.MetricsPerDevice * parts
	moreValues := f.MetricsPerDevice * (values - parts)

	logged := documents*emfDocument + metrics*emfMetric + moreValues*emfMoreValue
	sent := f.Devices * (logged + documents*(emfDocQuotes+emfEnvelope) + metrics*emfMetricQuote)
	steps := float64(sent/emfBatch) * Steps(emfBatch)
	if rest := sent % emfBatch; rest > 0 {
		steps += Steps(rest)
	}
	windows := perMonth(f.Window)
	u := Usage{
		ConnectionMinutes: month.Minutes(),
		Messages:          steps * windows, RulesTriggered: steps * windows, ActionsExecuted: steps * windows,
		LogGB:        float64(f.Devices) * float64(logged+documents*logEvent) * windows / gigabyte,
		MetricMonths: f.metricMonths(f.Window),
	}
	if f.BasicIngest {
		u.Messages = 0
	}
	return u
}

// recipe: mosquitto_pub runs for each reading of each metric. IoT Core meters its CONNECT and its PUBLISH, a message
// each (Basic Ingest saves only the second), and its connection, taken to last a second; then rule, action and
// PutMetricData call as in the form metric.
func (f Fleet) recipe() Usage {
	readings := f.metrics() * perMonth(f.SampleInterval)
	u := Usage{
		ConnectionMinutes: readings / 60, Messages: 2 * readings, RulesTriggered: readings, ActionsExecuted: readings,
		PutMetricData: readings, MetricMonths: f.metricMonths(f.SampleInterval),
	}
	if f.BasicIngest {
		u.Messages = readings
	}
	return u
}

func perMonth(every time.Duration) float64 { return month.Seconds() / every.Seconds() }
