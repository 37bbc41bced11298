// Package bill counts what AWS would charge for what the stand-in has done. Its one promise: every figure is metered by
// AWS's own rule, in AWS's own steps.
package bill

import (
	"sync"
	"time"

	"piway/shared/prices"
)

// month is the length that a reading is scaled to.
const month = 30 * 24 * time.Hour

// A Meter counts from its start on. Its methods are safe for concurrent use.
type Meter struct {
	table *prices.Table
	start time.Time

	mu      sync.Mutex   // guards the fields below
	usage   prices.Usage // without MetricMonths, and ConnectionMinutes up to changed only
	open    int          // connections
	changed time.Time    // when open did
	hours   hours
}

// New returns a Meter that counts from now on and prices by the table.
func New(now time.Time, t *prices.Table) *Meter {
	return &Meter{table: t, start: now, changed: now, hours: newHours()}
}

// Connect counts a connection from now on, and its CONNECT packet of so many bytes, which IoT Core meters as a message.
func (m *Meter) Connect(now time.Time, bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pass(now)
	m.open++
	m.usage.Messages += prices.Steps(bytes)
}

// Disconnect ends a connection. It must follow a Connect.
func (m *Meter) Disconnect(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pass(now)
	m.open--
}

// pass counts the minutes of the open connections up to now; a clock that was set back costs nothing.
func (m *Meter) pass(now time.Time) {
	if now.After(m.changed) {
		m.usage.ConnectionMinutes += float64(m.open) * now.Sub(m.changed).Minutes()
	}
	m.changed = now
}

// Message counts a message by its bytes: topic and payload, or a SUBSCRIBE's filters. Basic Ingest costs none.
func (m *Meter) Message(bytes int) {
	m.add(prices.Usage{Messages: prices.Steps(bytes)})
}

// Rule counts a message's triggering of a rule.
func (m *Meter) Rule(bytes int) {
	m.add(prices.Usage{RulesTriggered: prices.Steps(bytes)})
}

// Action counts one action of a rule on a message; it costs whether it succeeds or not.
func (m *Meter) Action(bytes int) {
	m.add(prices.Usage{ActionsExecuted: prices.Steps(bytes)})
}

// PutMetricData counts a call. A document in embedded metric format makes none.
func (m *Meter) PutMetricData() {
	m.add(prices.Usage{PutMetricData: 1})
}

// Logs counts bytes that CloudWatch Logs took in, with the 26 that it adds to each event.
func (m *Meter) Logs(bytes int) {
	m.add(prices.Usage{LogGB: float64(bytes) / 1e9})
}

func (m *Meter) add(u prices.Usage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.usage = m.usage.Add(u)
}

// Metric counts a datum of a metric. The key is the metric's identity: namespace, name and dimensions. CloudWatch
// prorates a metric by the hours in which it has data, by the time of the datum and not of its arrival.
func (m *Meter) Metric(key string, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hours.add(key, at)
}

// A Reading is what a Meter shows.
type Reading struct {
	Since, Until time.Time
	// SoFar is what was used since the start, and its price if the month ended now.
	SoFar     prices.Usage
	SoFarBill prices.Bill
	// Month is the same going on for 30 days. In the first minute, which is taken as a whole one, it is too low.
	// Data of hours before the start are not in it: a backlog does not come every month.
	Month     prices.Usage
	MonthBill prices.Bill
	// Uncounted are datums of metrics past the most that a Meter can tell apart.
	Uncounted int
}

// Read returns the usage up to now and what it costs.
func (m *Meter) Read(now time.Time) Reading {
	m.mu.Lock()
	m.pass(now)
	r := Reading{Since: m.start, Until: now, SoFar: m.usage, Uncounted: m.hours.uncounted}
	r.Month = m.usage.Times(month.Minutes() / max(1, now.Sub(m.start).Minutes()))
	r.SoFar.MetricMonths = m.hours.total() / month.Hours()
	// A metric costs a whole hour however short the period: an average hour of the period is an hour of the month.
	r.Month.MetricMonths = m.hours.average(m.start, now)
	m.mu.Unlock()

	r.SoFarBill, r.MonthBill = m.table.Month(r.SoFar), m.table.Month(r.Month)
	return r
}
