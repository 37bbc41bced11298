package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"piway/localcore/strict"
)

// A pattern is text with the wildcards * (anything, over levels too) and ? (one character), and with policy variables.
// MQTT's + and # are plain characters.
type pattern struct {
	text  string
	parts []part
	exact bool // its wildcards are plain characters
}

// A part is plain text with wildcards, or a variable whose value has none.
type part struct{ text, variable string }

func value(variable string, r *Request) (string, bool) {
	if f := variables[variable]; f != nil {
		return f(r)
	}
	return "", false
}

// variables are the policy variables that have a value here, and characters that are wildcards otherwise.
var variables = map[string]func(*Request) (string, bool){
	"iot:ClientId": func(r *Request) (string, bool) { return r.ClientID, true },
	"iot:Connection.Thing.ThingName": func(r *Request) (string, bool) {
		return r.Thing, r.Thing != "" && (r.Thing == r.ClientID || r.Exclusive)
	},
	"iot:Connection.Thing.IsAttached": func(r *Request) (string, bool) { return fmt.Sprint(r.Attached), true },
	"*":                               func(*Request) (string, bool) { return "*", true },
	"?":                               func(*Request) (string, bool) { return "?", true },
	"$":                               func(*Request) (string, bool) { return "$", true },
}

// parsePattern reads a pattern, of plain text without variables if so. Unknown is a variable that has no value here.
func parsePattern(text string, plain bool) (p pattern, unknown string, err error) {
	p.text = text
	for rest := text; rest != ""; {
		before, tail, found := strings.Cut(rest, "${")
		if plain {
			before, found = rest, false
		}
		if before != "" {
			p.parts = append(p.parts, part{text: before})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(tail, "}")
		if !closed {
			return p, "", fmt.Errorf("%q: %q has no closing brace", text, "${")
		}
		if variables[name] == nil {
			unknown = name
		}
		p.parts = append(p.parts, part{variable: name})
		rest = after
	}
	return p, unknown, nil
}

// kind is what stands before the first / of the resource in an ARN, and what behind it; of other text all of it.
func (p pattern) kind() (kind, rest string) {
	fields := strings.SplitN(p.text, ":", 6)
	kind, rest, _ = strings.Cut(fields[len(fields)-1], "/")
	if len(fields) < 6 {
		kind += "/" // no resource's
	}
	return kind, rest
}

// matches reports whether the pattern matches all of text. r may be nil for a pattern without variables. A variable
// that has no value makes the pattern match nothing.
func (p pattern) matches(text string, r *Request) bool {
	var glob []rune
	for _, part := range p.parts {
		if part.variable == "" {
			for _, c := range part.text {
				if !p.exact {
					c = wildcard(c)
				}
				glob = append(glob, c)
			}
			continue
		}
		if r == nil {
			return false
		}
		value, ok := value(part.variable, r)
		if !ok {
			return false
		}
		glob = append(glob, []rune(value)...)
	}
	return match(glob, []rune(text))
}

// Wildcards in a glob, as characters that no text has.
const (
	anything = rune(-1)
	anyOne   = rune(-2)
)

func wildcard(c rune) rune {
	switch c {
	case '*':
		return anything
	case '?':
		return anyOne
	}
	return c
}

// match goes back to the last * only, so its time is bounded by the product of both lengths.
func match(glob, text []rune) bool {
	g, t, star, from := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case g < len(glob) && glob[g] == anything:
			star, from = g, t
			g++
		case g < len(glob) && takes(glob[g], text[t]):
			g++
			t++
		case star >= 0:
			from++
			g, t = star+1, from
		default:
			return false
		}
	}
	return !slices.ContainsFunc(glob[g:], func(c rune) bool { return c != anything })
}

// takes reports whether one character of a glob, that is not *, takes one of the text.
func takes(glob, text rune) bool { return glob == anyOne || glob == text }

// list returns the elements of a member, which may be one alone instead of a list of one.
func list(o strict.Object, name string) []json.RawMessage {
	raw := o.Members[name]
	switch {
	case raw == nil:
		o.Fail(name, "required and missing")
		return nil
	case raw[0] != '[':
		return []json.RawMessage{raw}
	}
	return o.List(name)
}

// patterns returns the strings of a member as patterns. A variable that has no value here makes one match nothing;
// unless that is safe it is refused.
func (p *Policy) patterns(o strict.Object, name string, safe bool) (all []pattern) {
	for _, raw := range list(o, name) {
		var s string
		if json.Unmarshal(raw, &s) != nil || raw[0] != '"' {
			o.Fail(name, "must be a string or a list of strings")
		}
		one, unknown, err := parsePattern(s, p.plain)
		switch {
		case err != nil:
			o.Fail(name, "%w", err)
		case unknown == "":
		case !safe:
			o.Fail(name, "%q: the variable %.60q is not supported here", s, unknown)
		default:
			p.warn(o.Errorf(name, "%q: matches nothing, the variable %.60q has no value here, try: iot:ClientId or "+
				"iot:Connection.Thing.ThingName", s, unknown))
		}
		all = append(all, one)
	}
	return all
}

// readSet reads Action or Resource, or its contrary.
func (p *Policy) readSet(o strict.Object, name string, deny bool) (s set) {
	if s.not = o.Has("Not" + name); s.not && o.Has(name) {
		o.Fail("Not"+name, "stands beside %s, try: one of them", name)
	}
	if s.not {
		name = "Not" + name
	}
	if s.patterns = p.patterns(o, name, deny == s.not); len(s.patterns) == 0 {
		o.Fail(name, "must not be empty")
	}
	return s
}
