package cloudwatch

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// PutLogEvents' limits (CloudWatch Logs API Reference, PutLogEvents). Events may be as old and as far ahead as datums.
const (
	maxBatchEvents = 10_000
	maxBatchBytes  = 1 << 20
	maxEventBytes  = 1 << 20
	maxBatchSpan   = 24 * time.Hour
	eventOverhead  = 26 // bytes that count with each event
)

// An Event is one log event of a PutLogEvents call.
type Event struct {
	Timestamp time.Time
	Message   string
}

// A Result says what became of the events of a call that did not fail.
type Result struct {
	// Accepted events are in the log, TooOld and TooNew ones were rejected one by one. Expired ones are older than the
	// group keeps: AWS tells of them in an answer that nobody sees who comes through a topic rule.
	Accepted int `json:"accepted"`
	TooOld   int `json:"too_old"`
	TooNew   int `json:"too_new"`
	Expired  int `json:"expired"`
	// Bytes are those of the accepted events, with the 26 that AWS adds to each.
	Bytes int `json:"bytes"`
	// Datums were made of accepted events.
	Datums int `json:"datums"`
	// EMFParsingErrors and EMFValidationErrors are as AWS counts them in the namespace AWS/Logs.
	EMFParsingErrors    int `json:"emf_parsing_errors"`
	EMFValidationErrors int `json:"emf_validation_errors"`
}

// A LogsError is a call that CloudWatch Logs refuses.
type LogsError struct {
	// Code is AWS's name of the error.
	Code string
	// Rule is a word for the rule that was broken.
	Rule string
	// Problem says what is wrong.
	Problem string
}

func (e *LogsError) Error() string { return e.Code + ": " + e.Problem }

// Kind is the same for all errors that a reader would take for one.
func (e *LogsError) Kind() string { return e.Code + " (" + e.Rule + ")" }

// PutLogEvents adds events that arrive at now to a group, as the call does that a cloudwatchLogs action makes. Those
// that are documents in embedded metric format become datums. The error is a *LogsError, and then nothing was
// kept. Rejected and expired events, and documents that make no datums, are not errors at AWS: look at the Result.
func (s *Store) PutLogEvents(now time.Time, group string, events []Event) (Result, error) {
	retention, err := s.retention(group)
	if err == nil {
		err = checkBatch(now, retention, events)
	}
	if err != nil {
		s.refused(group)
		return Result{}, err
	}
	var r Result
	var kept []LogEvent
	var wrong []EMFError
	for _, e := range events {
		// A timestamp is in milliseconds (InputLogEvent).
		e.Timestamp = e.Timestamp.UTC().Truncate(time.Millisecond)
		if !r.judge(now, retention, e) {
			continue
		}
		datums, problems := s.putEMF(now, e.Message)
		for _, p := range problems {
			p.Time, p.Group, p.Event = now.UTC(), group, clip(e.Message)
			wrong = append(wrong, p)
			r.countError(p.Kind)
		}
		r.Datums += datums
		kept = append(kept, LogEvent{Timestamp: e.Timestamp, Message: e.Message, Received: now.UTC(), Datums: datums})
	}
	s.logs.keep(group, r, kept, wrong)
	return r, nil
}

// retention is how long the group keeps events, 0 for ever.
func (s *Store) retention(group string) (time.Duration, error) {
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	g := s.logs.groups[group]
	if g == nil {
		return 0, &LogsError{
			"ResourceNotFoundException", "group",
			fmt.Sprintf("the log group %q does not exist", clip(group)),
		}
	}
	return time.Duration(g.RetentionDays) * 24 * time.Hour, nil
}

func (s *Store) refused(group string) {
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	if g := s.logs.groups[group]; g != nil {
		g.RefusedCalls++
	}
}

// checkBatch holds the rules by which a call fails as a whole.
func checkBatch(now time.Time, retention time.Duration, events []Event) error {
	if n := len(events); n == 0 || n > maxBatchEvents {
		return invalid("count", "a batch has 1 to %d log events, got %d", maxBatchEvents, n)
	}
	bytes := 0
	for i, e := range events {
		if err := checkEvent(i+1, e); err != nil {
			return err
		}
		if i > 0 && e.Timestamp.Before(events[i-1].Timestamp) {
			return invalid("order", "log events must be in chronological order, event %d is older than the one before", i+1)
		}
		bytes += eventBytes(e.Message)
	}
	if span := validSpan(now, retention, events); span > maxBatchSpan {
		return invalid("span", "a batch cannot span more than 24 hours, got %s", span)
	}
	if bytes > maxBatchBytes {
		return invalid("size", "a batch has at most %d bytes, %d for each log event included, got %d", maxBatchBytes,
			eventOverhead, bytes)
	}
	return nil
}

// validSpan is the time from the first to the last event that is valid: one that is rejected does not cost the others.
func validSpan(now time.Time, retention time.Duration, events []Event) time.Duration {
	events = slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return !new(Result).judge(now, retention, e) })
	if len(events) == 0 {
		return 0
	}
	return events[len(events)-1].Timestamp.Sub(events[0].Timestamp)
}

// checkEvent holds what InputLogEvent says of one event.
func checkEvent(n int, e Event) error {
	switch size := eventBytes(e.Message); {
	case e.Message == "":
		return invalid("empty", "log event %d has an empty message", n)
	case size > maxEventBytes:
		return invalid("event size", "log event %d has %d bytes, the most is %d", n, size, maxEventBytes)
	case e.Timestamp.Before(time.Unix(0, 0)):
		return invalid("timestamp", "log event %d has a timestamp before 1970", n)
	}
	return nil
}

func invalid(rule, format string, args ...any) error {
	return &LogsError{"InvalidParameterException", rule, fmt.Sprintf(format, args...)}
}

func eventBytes(message string) int { return len(message) + eventOverhead }

// judge counts an event, and says whether it goes into the log.
func (r *Result) judge(now time.Time, retention time.Duration, e Event) bool {
	switch age := now.Sub(e.Timestamp); {
	case age > maxPast:
		r.TooOld++
	case age < -maxFuture:
		r.TooNew++
	case retention > 0 && age > retention:
		r.Expired++
	default:
		r.Accepted++
		r.Bytes += eventBytes(e.Message)
		return true
	}
	return false
}

func (r *Result) countError(kind string) {
	if kind == EMFParsingErrors {
		r.EMFParsingErrors++
	} else {
		r.EMFValidationErrors++
	}
}

func (r *Result) add(of Result) {
	r.Accepted += of.Accepted
	r.TooOld += of.TooOld
	r.TooNew += of.TooNew
	r.Expired += of.Expired
	r.Bytes += of.Bytes
	r.Datums += of.Datums
	r.EMFParsingErrors += of.EMFParsingErrors
	r.EMFValidationErrors += of.EMFValidationErrors
}

// keep books a call that did not fail. Groups are never deleted.
func (l *logs) keep(group string, r Result, events []LogEvent, wrong []EMFError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groups[group]
	g.Result.add(r)
	g.add(events)
	l.errors = append(l.errors, wrong...)
	if over := len(l.errors) - MaxEMFErrors; over > 0 {
		l.errors = append([]EMFError(nil), l.errors[over:]...)
	}
}

// putEMF puts the datums of a message, as far as it is a document in embedded metric format, and returns how many were
// taken and what was wrong.
func (s *Store) putEMF(now time.Time, message string) (int, []EMFError) {
	datums, problems := readEMF(now, message)
	taken := 0
	for _, d := range datums {
		if err := s.Put(now, d); err != nil {
			problem := err.Error()
			if e, ok := errors.AsType[*Error](err); ok {
				problem = fmt.Sprintf("metric %q: %s", clip(d.Name), e.Error())
			}
			problems = append(problems, EMFError{Kind: EMFValidationErrors, Problem: problem})
			continue
		}
		taken++
	}
	return taken, problems
}
