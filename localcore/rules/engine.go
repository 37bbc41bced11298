package rules

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"piway/localcore/sql"
)

// A Message is one publish that the message broker took.
type Message struct {
	Topic, ClientID string
	Payload         []byte
	Time            time.Time
}

// canary reports whether a gateway sends the message to see its rule refuse it and report that. The rule for errors
// knows one by the client id too (configs/aws/rules/errors-rule.json).
func (m Message) canary() bool { return strings.HasSuffix(m.ClientID, "-feedback") }

// An Engine applies rules to messages. Its methods are safe for concurrent use.
type Engine struct {
	rules []*Rule
	svc   Services
	rec   *record
}

// New returns an Engine whose actions call svc. Two rules of one name are refused.
func New(rules []*Rule, svc Services, log *slog.Logger) (*Engine, error) {
	for i, r := range rules {
		if slices.ContainsFunc(rules[:i], func(o *Rule) bool { return o.Name == r.Name }) {
			return nil, fmt.Errorf("rule %q: given twice", r.Name)
		}
	}
	rec := &record{log: log, told: map[string]bool{}, rules: map[string]*Counts{}}
	for _, r := range rules {
		rec.rules[r.Name] = &Counts{}
	}
	return &Engine{rules: rules, svc: svc, rec: rec}, nil
}

// Handle applies the rules that select the message, and those that select what these republish, and returns when all
// their actions are done or have failed.
func (e *Engine) Handle(m Message) { e.handle(m, newChain()) }

// Failures returns the totals and a copy of the newest failures, oldest first.
func (e *Engine) Failures() (Counts, []Failure) { return e.rec.failures() }

func (e *Engine) handle(m Message, c chain) {
	if name, rest, basicIngest := sql.BasicIngest(m.Topic); basicIngest {
		e.ingest(name, rest, m, c)
		return
	}
	for _, r := range e.rules {
		if !r.disabled && r.query.From != nil && r.query.From.Match(m.Topic) {
			e.apply(r, m, c)
		}
	}
}

// ingest applies the one rule that Basic Ingest names. The prefix $aws/rules/NAME is put before the topic that would
// trigger the rule otherwise, and nothing says that FROM is ignored, so it is asked here; a rule without FROM takes all
// (iot-basic-ingest, iot-sql-reference). What is dropped is acknowledged like the rest.
func (e *Engine) ingest(name, rest string, m Message, c chain) {
	i := slices.IndexFunc(e.rules, func(r *Rule) bool { return !r.disabled && r.Name == name })
	if i < 0 {
		e.rec.count("", func(c *Counts) { c.RuleNotFound++ })
		e.rec.tell(false, "RuleNotFound", "basic ingest for a rule that is not there", "topic", m.Topic)
		return
	}
	r := e.rules[i]
	if from := r.query.From; from != nil && !from.Match(rest) {
		e.rec.count(r.Name, func(c *Counts) { c.NotSelected++ })
		e.rec.tell(false, r.Name+" NotSelected",
			"basic ingest on a topic that the rule's FROM does not select: acknowledged and dropped", "rule", r.Name, "topic", m.Topic, "from", from.String())
		return
	}
	e.apply(r, m, c)
}

// apply triggers a rule.
func (e *Engine) apply(r *Rule, m Message, c chain) {
	e.rec.count(r.Name, func(c *Counts) { c.TopicMatch++ })
	use := Use{Rule: r.Name, Bytes: len(m.Topic) + len(m.Payload)}
	work := &run{rule: r, message: m, svc: &e.svc, republish: func(topic string, qos byte, payload []byte) error {
		return e.republish(Message{Topic: topic, ClientID: "n/a", Payload: payload, Time: m.Time}, qos, c)
	}}
	if e.query(work) {
		use.Actions = e.act(work)
	}
	use.Actions = max(use.Actions, 1)
	if e.svc.Meter != nil {
		e.svc.Meter(use)
	}
}

// query evaluates the rule's SQL and reports whether its actions are to be run. What fails here is for the log, not
// for the error action (rule-error-handling). Of a payload that is not JSON `SELECT *` takes the bytes and templates
// find no attributes in it (binary-payloads); for any other statement it ends here.
func (e *Engine) query(work *run) bool {
	r, m := work.rule, work.message
	payload, parseErr := sql.ParsePayload(m.Payload, r.version)
	if parseErr != nil {
		payload = sql.Raw(m.Payload)
		e.rec.count(work.rule.Name, func(c *Counts) { c.ParseError++ })
		e.rec.tell(false, r.Name+" ParseError", "payload is not JSON", "rule", r.Name, "topic", m.Topic, "err", parseErr)
	}
	work.in = &sql.Input{Version: r.version, Topic: m.Topic, ClientID: m.ClientID, Time: m.Time, Payload: payload}
	output, selected, err := r.query.Run(work.in)
	if err != nil && !errors.Is(err, sql.ErrNotJSON) { // which was counted
		e.rec.count(work.rule.Name, func(c *Counts) { c.SQLError++ })
		e.rec.tell(false, r.Name+" SQLError", "rule sql failed", "rule", r.Name, "topic", m.Topic, "err", err)
	}
	work.output = output
	return selected
}

// act runs every action of a rule, and its error action if one failed; one that fails does not stop the others.
// It returns how many were executed.
func (e *Engine) act(work *run) (executed int) {
	r, m := work.rule, work.message
	var failed []ActionFailure
	for _, a := range r.actions {
		resource, err := a.do(work)
		if err == nil {
			e.rec.count(work.rule.Name, func(c *Counts) { c.Success++ })
			continue
		}
		e.rec.count(r.Name, func(c *Counts) {
			c.Failure++
			if m.canary() {
				c.Canary++
			}
		})
		e.rec.tell(m.canary(), r.Name+" "+kindOf(err), "rule action failed", "rule", r.Name, "topic", m.Topic, "action",
			a.name(), "resource", resource, "err", err)
		failed = append(failed, ActionFailure{a.name(), resource, err.Error()})
	}
	if failed == nil {
		return len(r.actions)
	}
	f := Failure{Time: m.Time, Canary: m.canary(), Document: newDocument(r.Name, m, failed)}
	executed = len(r.actions)
	if r.onError != nil {
		executed++
		f.ErrorActionError = e.report(work, f.Document)
	}
	e.rec.keep(f)
	return executed
}

// report runs the error action, and returns what went wrong with it.
func (e *Engine) report(work *run, d Document) string {
	r, m := work.rule, work.message
	again := *work
	again.output = d.value()
	resource, err := r.onError.do(&again)
	if err == nil {
		e.rec.count(work.rule.Name, func(c *Counts) { c.ErrorActionSuccess++ })
		return ""
	}
	e.rec.count(work.rule.Name, func(c *Counts) { c.ErrorActionFailure++ })
	e.rec.tell(false, r.Name+" error action "+kindOf(err), "rule error action failed", "rule", r.Name, "topic", m.Topic,
		"action", r.onError.name(), "resource", resource, "err", err)
	return r.onError.name() + " " + resource + ": " + err.Error()
}
