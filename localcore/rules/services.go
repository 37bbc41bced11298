package rules

import "time"

// Services are what an Engine's actions call, from any goroutine. An error of theirs that has a method Kind() string is
// logged once per rule and kind. All but Meter must be set.
type Services struct {
	// PutMetric is CloudWatch's PutMetricData.
	PutMetric func(now time.Time, m Metric) error
	// PutLogs is CloudWatch Logs' PutLogEvents, one call for each action.
	PutLogs func(now time.Time, group string, events []LogEvent) error
	// Republish hands a message to the message broker's subscribers. The rules that select it are run by the Engine.
	Republish func(topic string, qos byte, payload []byte) error
	// Notify is SNS's Publish.
	Notify func(target string, payload []byte) error
	// Meter, if set, is told what AWS charges for each message and rule that it triggers.
	Meter func(Use)
}

// A Metric is what a cloudwatchMetric action makes of one message. Only value and time have been judged.
type Metric struct {
	Namespace, Name, Unit string
	Value                 float64
	Time                  time.Time
}

// A LogEvent is one event of a cloudwatchLogs action.
type LogEvent struct {
	Time    time.Time
	Message string
}

// A Use is one rule triggered by one message. AWS meters both the rule and its actions, at least one, in steps of
// 5 KB of topic and payload (aws.amazon.com/iot-core/pricing). A message that WHERE does not select counts too.
type Use struct {
	Rule    string
	Bytes   int // topic and payload
	Actions int // executed, whether they worked or not, the error action included
}
