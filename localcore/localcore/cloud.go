package localcore

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"piway/localcore/bill"
	"piway/localcore/cloudwatch"
	"piway/localcore/rules"
	"piway/shared/prices"
)

// maxNotes bounds the notifications that are kept, the newest.
const maxNotes = 50

// A CloudConfig says what a Cloud is made of. Rules, Deliver and Log must be set.
type CloudConfig struct {
	Rules []*rules.Rule
	// Groups are the log groups that are there, with their days of retention.
	Groups map[string]int
	// Prices are of the bill; nil means the built-in table.
	Prices *prices.Table
	// Start is when the bill begins.
	Start time.Time
	// Deliver hands a republished message to the broker's subscribers.
	Deliver func(topic string, qos byte, payload []byte) error
	// OnDatum, if set, is called for each datum that CloudWatch took, from any goroutine. It must not block.
	OnDatum func(cloudwatch.Datum)
	Log     *slog.Logger
}

// A Cloud is what lies behind the message broker: rules, metrics, logs, notifications, and the bill for all of it.
// Its methods are safe for concurrent use.
type Cloud struct {
	cfg    CloudConfig
	store  *cloudwatch.Store
	engine *rules.Engine
	meter  *bill.Meter

	mu    sync.Mutex // guards the fields below
	fail  string     // what rule actions fail with, by a fault
	notes []Notification
}

// A Notification is a message to an SNS topic.
type Notification struct {
	Time    time.Time `json:"time"`
	Target  string    `json:"target"`
	Payload string    `json:"payload"`
}

// NewCloud returns a Cloud in which nothing has happened yet.
func NewCloud(cfg CloudConfig) (*Cloud, error) {
	if cfg.Prices == nil {
		cfg.Prices = prices.Default()
	}
	c := &Cloud{cfg: cfg, store: cloudwatch.New(), meter: bill.New(cfg.Start, cfg.Prices)}
	c.store.OnDatum = c.took
	for name, days := range cfg.Groups {
		if err := c.store.CreateGroup(name, days); err != nil {
			return nil, err
		}
	}
	var err error
	c.engine, err = rules.New(cfg.Rules, rules.Services{
		PutMetric: c.putMetric, PutLogs: c.putLogs, Republish: cfg.Deliver, Notify: c.notify, Meter: c.use,
	}, cfg.Log.With("part", "rules"))
	return c, err
}

// Handle takes a message that the broker accepted. When it returns, every rule that selects the message has run.
func (c *Cloud) Handle(topic, client string, payload []byte, at time.Time) {
	if !strings.HasPrefix(topic, "$aws/rules/") { // Basic Ingest costs no message
		c.meter.Message(len(topic) + len(payload))
	}
	c.engine.Handle(rules.Message{Topic: topic, ClientID: client, Payload: payload, Time: at})
}

// Meter counts what is charged for beside the messages that Handle takes.
func (c *Cloud) Meter() *bill.Meter { return c.meter }

func (c *Cloud) use(u rules.Use) {
	c.meter.Rule(u.Bytes)
	for range u.Actions {
		c.meter.Action(u.Bytes)
	}
}

func (c *Cloud) took(d cloudwatch.Datum) {
	c.meter.Metric(d.Key(), d.Timestamp)
	if c.cfg.OnDatum != nil {
		c.cfg.OnDatum(d)
	}
}

// setFail makes every call of a rule action fail with this message; "" ends it.
func (c *Cloud) setFail(message string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = message
}

func (c *Cloud) failing() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail == "" {
		return nil
	}
	return errors.New(c.fail)
}

// putMetric is CloudWatch's PutMetricData.
func (c *Cloud) putMetric(now time.Time, m rules.Metric) error {
	c.meter.PutMetricData()
	if err := c.failing(); err != nil {
		return err
	}
	return c.store.Put(now, cloudwatch.Datum{
		Namespace: m.Namespace, Name: m.Name, Unit: m.Unit, Value: m.Value,
		Timestamp: m.Time,
	})
}

// putLogs is CloudWatch Logs' PutLogEvents.
func (c *Cloud) putLogs(now time.Time, group string, events []rules.LogEvent) error {
	if err := c.failing(); err != nil {
		return err
	}
	in := make([]cloudwatch.Event, len(events))
	for i, e := range events {
		in[i] = cloudwatch.Event{Timestamp: e.Time, Message: e.Message}
	}
	result, err := c.store.PutLogEvents(now, group, in)
	c.meter.Logs(result.Bytes)
	return err
}

// notify is SNS's Publish.
func (c *Cloud) notify(target string, payload []byte) error {
	c.cfg.Log.Info("notification", "target", target, "bytes", len(payload))
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.notes) == maxNotes {
		c.notes = slices.Delete(c.notes, 0, 1)
	}
	c.notes = append(c.notes, Notification{Time: time.Now().UTC(), Target: target, Payload: string(payload)})
	return nil
}

func (c *Cloud) notifications() []Notification {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.notes)
}
