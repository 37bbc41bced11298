package settings

import (
	"fmt"
	"slices"
	"strings"

	"piway/gateway/rollup"
)

// worth are what Pis die of, of the readings that stay on the LAN, and what a window of each is best reduced to.
var worth = map[string]rollup.Reduction{
	"undervoltage seconds": rollup.Sum, "storage errors": rollup.Max, "failed units": rollup.Max,
}

// Worth are the names of those that no rule names, each with the rule that would send it, as it stands in the file. Its
// pattern matches on every device, whatever the template.
func (c *Config) Worth() (rules map[string]string) {
	rules = map[string]string{}
	for name, reduce := range worth {
		if !c.named(name, func(Rule) bool { return true }) {
			rules[name] = fmt.Sprintf("- {match: %q, reduce: %s}", c.Naming().Report(name, "*"), reduce)
		}
	}
	return rules
}

// WorthSent is how many of them a rule sends to the cloud, of each device.
func (c *Config) WorthSent() (n int) {
	for name := range worth {
		if c.named(name, func(r Rule) bool { return r.Reduce != string(rollup.None) }) {
			n++
		}
	}
	return n
}

func (c *Config) named(name string, which func(Rule) bool) bool {
	return slices.ContainsFunc(c.Rollup.Rules, func(r Rule) bool { return strings.Contains(r.Match, name) && which(r) })
}
