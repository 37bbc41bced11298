package settings

import (
	"fmt"
	"slices"
	"strings"

	"piway/gateway/rollup"
)

// Worth are what Pis die of, of the readings that stay on the LAN: the names of those that no rule names, each with the
// rule that would send it, as it stands in the file. Its pattern matches on every device, whatever the template.
func (c *Config) Worth() (rules map[string]string) {
	rules = map[string]string{}
	for name, reduce := range map[string]rollup.Reduction{
		"undervoltage seconds": rollup.Sum, "storage errors": rollup.Max, "failed units": rollup.Max,
	} {
		if !slices.ContainsFunc(c.Rollup.Rules, func(r Rule) bool { return strings.Contains(r.Match, name) }) {
			rules[name] = fmt.Sprintf("- {match: %q, reduce: %s}", c.Naming().Report(name, "*"), reduce)
		}
	}
	return rules
}
