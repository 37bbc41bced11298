package rules

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// MaxFailures is how many failures an Engine keeps, the newest.
const MaxFailures = 20

// A Message is one publish that the message broker took.
type Message struct {
	Topic, ClientID string
	Payload         []byte
	Time            time.Time
}

// Counts are an Engine's totals, named as in CloudWatch's AWS/IoT metrics.
type Counts struct {
	TopicMatch   int64 `json:"topic_match"`    // a rule that a message matched
	Success      int64 `json:"success"`        // an action that was done
	Failure      int64 `json:"failure"`        // an action that failed
	ParseError   int64 `json:"parse_error"`    // a matched message that is not JSON
	RuleNotFound int64 `json:"rule_not_found"` // a Basic Ingest message for no rule, or a disabled one
}

// A Failure is the document that AWS hands to a rule's error action: one per message and rule.
type Failure struct {
	RuleName              string          `json:"ruleName"`
	Topic                 string          `json:"topic"`
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

// An Engine applies rules to messages. Its methods are safe for concurrent use.
type Engine struct {
	rules []*Rule
	put   func(now time.Time, m Metric) error
	log   *slog.Logger

	mu     sync.Mutex // guards counts, last, told
	counts Counts
	last   []Failure
	told   map[string]bool // kinds of failure that were logged
}

// New returns an Engine whose cloudwatchMetric actions call put, from any goroutine. An error of put that has a method
// Kind() string is logged once per rule and kind. Two rules of one name are refused.
func New(rules []*Rule, put func(now time.Time, m Metric) error, log *slog.Logger) (*Engine, error) {
	for i, r := range rules {
		if slices.ContainsFunc(rules[:i], func(o *Rule) bool { return o.Name == r.Name }) {
			return nil, fmt.Errorf("rule %q: given twice", r.Name)
		}
	}
	return &Engine{rules: rules, put: put, log: log, told: map[string]bool{}}, nil
}

// Handle applies the rules that select the message, and returns when their actions are done or have failed.
func (e *Engine) Handle(m Message) {
	// Basic Ingest names the rule, whose own FROM does not matter. An unknown name is silent to the client.
	name, topic := cutBasicIngest(m.Topic)
	found := false
	for _, r := range e.rules {
		if r.disabled || (name == "" && !r.filter.Match(topic)) || (name != "" && name != r.Name) {
			continue
		}
		found = true
		e.apply(r, m)
	}
	if name != "" && !found {
		e.count(func(c *Counts) { c.RuleNotFound++ })
		e.tell("RuleNotFound", "basic ingest for a rule that is not there", "topic", m.Topic)
	}
}

// apply runs every action of a rule; one that fails does not stop the others.
func (e *Engine) apply(r *Rule, m Message) {
	e.count(func(c *Counts) { c.TopicMatch++ })
	p, err := ParsePayload(m.Payload)
	if err != nil {
		e.count(func(c *Counts) { c.ParseError++ })
		e.tell(r.Name+" ParseError", "payload is not JSON", "rule", r.Name, "topic", m.Topic, "err", err)
		return
	}
	var failed []ActionFailure
	for _, a := range r.actions {
		metric, err := a.metric(p, m.Time)
		if err == nil {
			err = e.put(m.Time, metric)
		}
		if err == nil {
			e.count(func(c *Counts) { c.Success++ })
			continue
		}
		e.count(func(c *Counts) { c.Failure++ })
		e.tell(r.Name+" "+kindOf(err), "rule action failed", "rule", r.Name, "topic", m.Topic, "metric", metric.Name, "err", err)
		failed = append(failed, ActionFailure{"CloudwatchMetricAction", metric.Name, err.Error()})
	}
	if failed != nil {
		e.keep(Failure{r.Name, m.Topic, m.ClientID, base64.StdEncoding.EncodeToString(m.Payload), failed})
	}
}

func (e *Engine) count(f func(*Counts)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f(&e.counts)
}

func (e *Engine) keep(f Failure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.last) == MaxFailures {
		e.last = slices.Delete(e.last, 0, 1)
	}
	e.last = append(e.last, f)
}

// tell warns the first time of a kind; a sender that is wrong is wrong every minute.
func (e *Engine) tell(kind, msg string, args ...any) {
	e.mu.Lock()
	again := e.told[kind]
	e.told[kind] = true
	e.mu.Unlock()
	if again {
		e.log.Debug(msg, args...)
		return
	}
	e.log.Warn(msg+", more of the kind at debug level", args...)
}

// Failures returns the totals and a copy of the newest failures, oldest first.
func (e *Engine) Failures() (Counts, []Failure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.counts, slices.Clone(e.last)
}

// A failure is an error with the kind that it is logged once for. Kinds are few by construction.
type failure struct {
	error
	kind string
}

func fail(kind string, err error) error { return failure{err, kind} }

func (f failure) Unwrap() error { return f.error }
func (f failure) Kind() string  { return f.kind }

func kindOf(err error) string {
	var k interface{ Kind() string }
	if errors.As(err, &k) {
		return k.Kind()
	}
	return "other"
}
