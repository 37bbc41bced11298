package policy

import (
	"fmt"
	"slices"
	"strings"
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
