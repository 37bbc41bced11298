package rules

import (
	"time"

	"piway/localcore/sql"
	"piway/localcore/strict"
)

// A logsAction is one cloudwatchLogs action (cloudwatch-logs-rule-action).
type logsAction struct {
	group sql.Template
	batch bool
}

func readLogs(o strict.Object, version sql.Version) action {
	return logsAction{readTemplate(o, "logGroupName", version), o.Bool("batchMode")}
}

func (a logsAction) name() string { return "CloudwatchLogsAction" }

func (a logsAction) do(r *run) (resource string, err error) {
	group := a.group.Resolve(r.in)
	if group == "" {
		return group, fail("logGroupName", "log group: empty")
	}
	events := []LogEvent{{Time: r.message.Time, Message: string(sql.JSON(r.output))}}
	if a.batch {
		if events, err = readBatch(r.output); err != nil {
			return group, err
		}
	}
	return group, r.svc.PutLogs(r.message.Time, group, events)
}

// readBatch takes [{"timestamp": milliseconds, "message": "text"}, …] and nothing else. Whether AWS lets the good
// elements of a batch through beside a bad one is not documented; here none goes.
func readBatch(output sql.Value) ([]LogEvent, error) {
	list, ok := output.(sql.Array)
	if !ok {
		return nil, fail("batch", "batchMode: input must be a JSON array, got %s, try: SELECT VALUE *.batch",
			sql.Kind(output))
	}
	if len(list) == 0 {
		return nil, fail("batch", "batchMode: input is an empty array, PutLogEvents takes at least one event")
	}
	events := make([]LogEvent, len(list))
	for i, v := range list {
		var err error
		if events[i], err = readEvent(v); err != nil {
			return nil, fail("batch", "batchMode: element %d: %w", i, err)
		}
	}
	return events, nil
}

func readEvent(v sql.Value) (LogEvent, error) {
	o, ok := v.(*sql.Object)
	if !ok {
		return LogEvent{}, fail("batch", "must be an object, got %s", sql.Kind(v))
	}
	for _, name := range o.Names() {
		if name != "timestamp" && name != "message" {
			return LogEvent{}, fail("batch", "%.40q: not a member that is known here, try: timestamp or message", name)
		}
	}
	millis, ok := o.Get("timestamp").(sql.Number)
	if !ok {
		return LogEvent{}, fail("batch", "timestamp: must be a number of milliseconds, got %s", sql.Kind(o.Get("timestamp")))
	}
	ms, ok := millis.Int64()
	if !ok || ms < 0 { // PutLogEvents: a Long of at least 0
		return LogEvent{}, fail("batch", "timestamp: must be whole milliseconds since 1970, got %s", millis)
	}
	message, ok := o.Get("message").(string)
	if !ok {
		return LogEvent{}, fail("batch", "message: must be a string, got %s, try: the document as a string",
			sql.Kind(o.Get("message")))
	}
	return LogEvent{Time: time.UnixMilli(ms), Message: message}, nil
}
