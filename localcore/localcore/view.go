package localcore

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"piway/localcore/broker"
	"piway/localcore/cloudwatch"
	"piway/localcore/page"
	"piway/localcore/rules"
	"piway/shared/prices"
)

// What the page shows, out of the parts' own words.

// eventsShown of each log group, the newest.
const eventsShown = 200

func (c *Core) view(_ context.Context, ask page.Ask) (page.View, error) {
	counts, failures := c.cloud.engine.Failures()
	n := c.broker.Counts()
	groups := c.cloud.store.Groups()
	return page.View{
		Started: c.started, Metrics: c.viewMetrics(ask), Logs: c.viewLogs(groups), EMF: c.viewEMF(groups),
		Rules: viewRules(c.cloud.engine.Rules()), RuleNotFound: counts.RuleNotFound, NotSelected: counts.NotSelected,
		Failures: viewFailures(failures), Notifications: viewNotes(c.cloud.notifications()),
		Quotas: viewQuotas(&n), Counters: viewCounters(&n, &counts), Connections: viewClients(c.broker.Clients()),
		Bill: c.viewBill(), Faults: c.viewFaults(),
	}, nil
}

func (c *Core) viewMetrics(ask page.Ask) []page.Metric {
	all := c.cloud.store.Metrics()
	list := make([]page.Metric, len(all))
	for i, m := range all {
		list[i] = page.Metric{Namespace: m.Namespace, Name: m.Name, Unit: m.Unit, Points: func() []page.Point {
			return c.viewPoints(cloudwatch.Key{Namespace: m.Namespace, Name: m.Name, Unit: m.Unit, Dimensions: m.Dimensions},
				ask)
		}}
		for _, d := range m.Dimensions {
			list[i].Dimensions = append(list[i].Dimensions, page.Dimension{Name: d.Name, Value: d.Value})
		}
		if n := len(m.Datapoints); n > 0 {
			list[i].Arrived = m.Datapoints[n-1].Received
		}
	}
	return list
}

func (c *Core) viewPoints(k cloudwatch.Key, ask page.Ask) []page.Point {
	found, err := c.cloud.store.Statistics(k, ask.From, ask.To, ask.Period)
	if err != nil {
		panic("localcore: the page asks for a period that is not kept: " + err.Error())
	}
	points := make([]page.Point, len(found))
	for i, s := range found {
		points[i] = page.Point{
			Start: s.Start, Average: s.Average, Minimum: s.Minimum, Maximum: s.Maximum, Sum: s.Sum, SampleCount: s.SampleCount,
		}
	}
	return points
}

func (c *Core) viewLogs(groups []cloudwatch.Group) []page.LogGroup {
	list := make([]page.LogGroup, len(groups))
	for i, g := range groups {
		list[i] = page.LogGroup{
			Name: g.Name, RetentionDays: g.RetentionDays, Kept: int64(g.Kept), Expired: int64(g.Expired),
			Rejected: int64(g.TooOld + g.TooNew),
		}
		for _, e := range c.cloud.store.Events(g.Name, eventsShown) {
			list[i].Events = append(list[i].Events, page.LogEvent{Time: e.Timestamp, Message: e.Message})
		}
	}
	return list
}

func (c *Core) viewEMF(groups []cloudwatch.Group) (e page.EMF) {
	for _, g := range groups {
		e.Documents += int64(g.Accepted)
		e.ParsingErrors += int64(g.EMFParsingErrors)
		e.ValidationErrors += int64(g.EMFValidationErrors)
	}
	for _, x := range slices.Backward(c.cloud.store.EMFErrors()) {
		e.Last = append(e.Last, page.EMFError{Time: x.Time, LogGroup: x.Group, Error: x.Problem, Document: x.Event})
	}
	return e
}

func viewRules(states []rules.RuleState) []page.Rule {
	list := make([]page.Rule, len(states))
	for i, s := range states {
		n := s.Counts
		list[i] = page.Rule{
			Name: s.Name, SQL: s.SQL, Enabled: s.Enabled, TopicMatch: n.TopicMatch, ParseError: n.ParseError + n.SQLError,
			Success: n.Success, Failure: n.Failure - n.Canary, Canary: n.Canary, ErrorActionSuccess: n.ErrorActionSuccess,
			ErrorActionFailure: n.ErrorActionFailure,
		}
	}
	return list
}

// viewFailures makes one of each action that failed, newest first.
func viewFailures(failures []rules.Failure) (list []page.Failure) {
	for _, f := range slices.Backward(failures) {
		payload, err := base64.StdEncoding.DecodeString(f.Base64OriginalPayload)
		if err != nil {
			panic("localcore: a failure's payload is not base64: " + err.Error())
		}
		for _, a := range f.Failures {
			list = append(list, page.Failure{
				Time: f.Time, Rule: f.RuleName, Topic: f.Topic, Client: f.ClientID,
				Action: a.FailedAction, Resource: a.FailedResource, Error: a.ErrorMessage, Payload: string(payload),
				Canary: f.Canary,
			})
		}
	}
	return list
}

func viewNotes(notes []Notification) (list []page.Notification) {
	for _, n := range slices.Backward(notes) {
		list = append(list, page.Notification{Time: n.Time, Target: n.Target, Payload: n.Payload})
	}
	return list
}

func viewQuotas(n *broker.Counts) []page.Quota {
	quota := func(seen int64, limit float64, unit, name string) page.Quota {
		return page.Quota{
			Name: "publishes of a connection " + name, Seen: float64(seen), Limit: limit, Unit: unit,
			Source: "AWS IoT Core quotas, message broker",
		}
	}
	return []page.Quota{
		quota(n.PeakPublishes, broker.MaxPublishes, "/s", "in any second"),
		quota(n.PeakUnacked, broker.MaxUnacked, "", "without PUBACK"),
	}
}

func viewCounters(n *broker.Counts, r *rules.Counts) []page.Counter {
	counter := func(value int64, bad bool, name, explanation string) page.Counter {
		return page.Counter{Name: name, Value: value, Bad: bad, Explanation: explanation}
	}
	return []page.Counter{
		counter(n.PublishesIn, false, "publishes", "handed to the rules engine"),
		counter(n.PublishesOut, false, "deliveries", "to subscribers"),
		counter(n.Connects, false, "connects", "accepted"),
		counter(n.Throttled, true, "throttled", "publishes discarded in silence, over the rate"),
		counter(n.Unacked, true, "unacknowledged", "publishes not accepted, with 100 waiting for their PUBACK"),
		counter(n.Delayed, false, "delayed", "reads held back, over 512 KB a second"),
		counter(n.Denied, true, "denied", "by the policy; a publish or subscription also loses its connection"),
		counter(n.Refused, true, "refused", "CONNECTs: version, client id, policy, or a fault"),
		counter(n.TooSoon, true, "too soon", "CONNECTs within a second of the client id's last one"),
		counter(n.Takeovers, false, "takeovers", "connections closed by a newer one with their client id"),
		counter(n.Oversize, true, "oversize", "payloads above 128 KB; the connection is closed"),
		counter(n.BadTopics, true, "bad topics",
			"too long, too deep or reserved: the connection is closed; with a wildcard or of $SYS: dropped"),
		counter(n.QoS2, true, "QoS 2", "publishes ignored"),
		counter(n.Withheld, false, "withheld", "PUBACKs that a fault withheld"),
		counter(n.OutThrottled, true, "not delivered", "messages to subscribers over the rate"),
		counter(r.HopsExceeded, true, "hops exceeded", "republished messages that went round too often"),
	}
}

func viewClients(clients []broker.Connection) (list []page.Connection) {
	slices.SortFunc(clients, func(a, b broker.Connection) int { return strings.Compare(a.ClientID, b.ClientID) })
	for _, c := range clients {
		list = append(list, page.Connection{Client: c.ClientID, Remote: c.Remote, Since: c.Since})
	}
	return list
}

func (c *Core) viewBill() page.Bill {
	r := c.cloud.meter.Read(time.Now())
	b := page.Bill{Covered: r.Until.Sub(r.Since), Prices: describe(c.loaded.prices)}
	for i, l := range r.SoFarBill.Lines {
		m := r.MonthBill.Lines[i]
		b.Lines = append(b.Lines, page.BillLine{
			What: l.What, Quantity: l.Quantity, Unit: l.Unit, USD: l.USD, Month: m.USD, MonthFree: m.USD - m.Free,
		})
	}
	return b
}

// describe says where prices are from: their region and how old the oldest is.
func describe(t *prices.Table) string {
	oldest, _ := t.Read()
	return fmt.Sprintf("%s, found on %s or later; each figure's source is in the price file", t.Region(),
		oldest.Format(time.DateOnly))
}

func (c *Core) viewFaults() []page.Fault {
	if c.cfg.ReadOnly {
		return nil
	}
	all := c.faults.all()
	list := make([]page.Fault, len(all))
	for i, f := range all {
		list[i] = page.Fault{Name: f.Name, Does: f.What, Until: f.Until}
	}
	return list
}
