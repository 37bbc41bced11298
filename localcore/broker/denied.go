package broker

import (
	"context"
	"log/slog"
)

// maxTold bounds the denials that are remembered. Clients choose ids and topics: beyond it all are told once more.
const maxTold = 1000

// A denial is what the policy denied, and why.
type denial struct{ client, action, resource, why string }

// allowed asks the policy.
func (b *Broker) allowed(action, resource, client string, attributes ...string) bool {
	if b.opt.Authorize == nil {
		return true
	}
	err := b.opt.Authorize(Request{action, resource, client, attributes})
	if err == nil {
		return true
	}
	b.counts.add(func(c *Counts) { c.Denied++ })
	level := slog.LevelDebug
	if b.first(denial{client, action, resource, err.Error()}) {
		level = slog.LevelWarn
	}
	b.opt.Log.Log(context.Background(), level, "policy denies",
		"action", action, "resource", resource, "client_id", client, "why", err)
	return false
}

// first reports whether a denial is not warned of yet, and notes that it is now.
func (b *Broker) first(d denial) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.told[d] {
		return false
	}
	if len(b.told) == maxTold {
		clear(b.told)
	}
	b.told[d] = true
	return true
}
