package scan

import (
	"regexp"
	"sync"
)

// A Pattern is a regular expression that is compiled when it is first asked for: all of them at each start would take
// half a megabyte, and a Raspberry Pi of the first kind a tenth of a second, for what is seldom refused.
type Pattern struct{ compiled func() *regexp.Regexp }

// NewPattern takes the text of an expression that compiles.
func NewPattern(text string) Pattern {
	return Pattern{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

// Matches reports whether a part of s matches.
func (p Pattern) Matches(s string) bool { return p.compiled().MatchString(s) }

// Find returns what matches and its groups, nil where nothing does.
func (p Pattern) Find(s string) []string { return p.compiled().FindStringSubmatch(s) }
