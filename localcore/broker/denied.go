package broker

import "log/slog"

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
	b.log.Tell(slog.LevelWarn, client+" "+action+" "+resource, "policy denies",
		"action", action, "resource", resource, "client_id", client, "why", err)
	return false
}
