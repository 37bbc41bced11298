package rules

import (
	"log/slog"
	"slices"
	"sync"
	"time"
)

// MaxFailures is how many failures an Engine keeps, the newest.
const MaxFailures = 20

// Counts are an Engine's totals, the first of them named as in CloudWatch's AWS/IoT metrics.
type Counts struct {
	TopicMatch         int64 `json:"topic_match"`          // a rule that a message matched
	Success            int64 `json:"success"`              // an action that was done
	Failure            int64 `json:"failure"`              // an action that failed
	Canary             int64 `json:"canary"`               // those of a gateway's canary, which are meant to
	ErrorActionSuccess int64 `json:"error_action_success"` // an error action that was done
	ErrorActionFailure int64 `json:"error_action_failure"` // an error action that failed
	ParseError         int64 `json:"parse_error"`          // a matched message that is not JSON
	RuleNotFound       int64 `json:"rule_not_found"`       // a Basic Ingest message for no rule, or a disabled one
	// a Basic Ingest message on a topic that the rule's FROM does not select
	NotSelected  int64 `json:"not_selected"`
	SQLError     int64 `json:"sql_error"`     // a matched message that the SQL statement fails on; in AWS a log entry
	HopsExceeded int64 `json:"hops_exceeded"` // a republished message dropped for the bounds of a chain; also a Failure
}

// A Document is what AWS hands to a rule's error action: one per message and rule (rule-error-handling).
type Document struct {
	RuleName              string          `json:"ruleName"`
	Topic                 string          `json:"topic"`
	CloudwatchTraceID     string          `json:"cloudwatchTraceId"`
	ClientID              string          `json:"clientId"`
	Base64OriginalPayload string          `json:"base64OriginalPayload"`
	Failures              []ActionFailure `json:"failures"`
}

// An ActionFailure is one action that failed.
type ActionFailure struct {
	FailedAction   string `json:"failedAction"`
	FailedResource string `json:"failedResource"`
	ErrorMessage   string `json:"errorMessage"`
}

// A Failure is a Document, when it was made, and what was wrong with the error action in its turn, if something was.
type Failure struct {
	Document

	Time             time.Time `json:"time"`
	Canary           bool      `json:"canary,omitempty"` // it is as it should be
	ErrorActionError string    `json:"errorActionError,omitempty"`
}

// A record counts, keeps and tells what an Engine does. Its methods are safe for concurrent use.
type record struct {
	log *slog.Logger

	mu     sync.Mutex // guards counts, rules, last, told
	counts Counts
	rules  map[string]*Counts // by name
	last   []Failure
	told   map[string]bool // kinds of failure that were logged
}

// count adds to the totals and to those of a rule, "" for none.
func (r *record) count(rule string, f func(*Counts)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.counts)
	if c := r.rules[rule]; c != nil {
		f(c)
	}
}

func (r *record) keep(f Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.last) == MaxFailures {
		r.last = slices.Delete(r.last, 0, 1)
	}
	r.last = append(r.last, f)
}

// tell warns the first time of a kind that is not meant to be; a sender that is wrong is wrong every minute.
func (r *record) tell(meant bool, kind, msg string, args ...any) {
	r.mu.Lock()
	again := r.told[kind]
	r.told[kind] = again || !meant
	r.mu.Unlock()
	if again || meant {
		r.log.Debug(msg, args...)
		return
	}
	r.log.Warn(msg+", more of the kind at debug level", args...)
}

func (r *record) failures() (Counts, []Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts, slices.Clone(r.last)
}

// A RuleState is a rule and what came of it.
type RuleState struct {
	Name, SQL string
	Enabled   bool
	Counts    Counts
}

// Rules returns the rules in the order in which they were given.
func (e *Engine) Rules() []RuleState {
	e.rec.mu.Lock()
	defer e.rec.mu.Unlock()
	list := make([]RuleState, len(e.rules))
	for i, r := range e.rules {
		list[i] = RuleState{Name: r.Name, SQL: r.text, Enabled: !r.disabled, Counts: *e.rec.rules[r.Name]}
	}
	return list
}
