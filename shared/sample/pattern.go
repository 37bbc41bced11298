package sample

import (
	"regexp"
	"sync"
)

// A pattern is a regular expression that is compiled when it is first asked for: all of them at each start would take
// half a megabyte, and a Raspberry Pi of the first kind a tenth of a second, for what is seldom refused.
type pattern struct{ compiled func() *regexp.Regexp }

func newPattern(text string) pattern {
	return pattern{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

func (p pattern) matches(s string) bool { return p.compiled().MatchString(s) }

// find returns what matches and its groups, nil where nothing does.
func (p pattern) find(s string) []string { return p.compiled().FindStringSubmatch(s) }
