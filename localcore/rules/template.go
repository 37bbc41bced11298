package rules

import (
	"fmt"
	"strings"
)

// A Template is text with substitutions, ${name} or ${a.b}.
type Template struct{ parts []part }

// A part is literal text, or a path into the payload.
type part struct {
	literal string
	path    []string
}

// ParseTemplate reads a template. Any expression in ${} but an attribute path is refused: AWS would evaluate it, so
// leaving it in the text would hide the difference.
func ParseTemplate(text string) (Template, error) {
	var t Template
	for rest := text; rest != ""; {
		literal, tail, found := strings.Cut(rest, "${")
		if literal != "" {
			t.parts = append(t.parts, part{literal: literal})
		}
		if !found {
			break
		}
		expr, after, closed := strings.Cut(tail, "}")
		column := len([]rune(text[:len(text)-len(tail)])) - 1 // of the dollar sign
		if !closed {
			return Template{}, fmt.Errorf("column %d: %q has no closing brace", column, "${")
		}
		path, err := parsePath(expr)
		if err != nil {
			return Template{}, fmt.Errorf("column %d: %w", column, err)
		}
		t.parts = append(t.parts, part{path: path})
		rest = after
	}
	return t, nil
}

// parsePath takes letters and underscores only: AWS IoT SQL cannot reach other keys with the dot notation.
func parsePath(expr string) ([]string, error) {
	path := strings.Split(strings.TrimSpace(expr), ".")
	for _, name := range path {
		if name == "" || strings.TrimFunc(name, func(r rune) bool { return r == '_' || isLetter(r) }) != "" {
			return nil, fmt.Errorf("${%.60s}: only attribute paths are supported, try: ${name} or ${a.b}, names of letters and underscores", expr)
		}
	}
	return path, nil
}

// Resolve puts the payload's values in. What the payload does not have becomes the empty string, as in AWS
// (Undefined, iot-sql-data-types), and not an error: the action then fails on it.
func (t Template) Resolve(p Payload) string {
	var b strings.Builder
	for _, part := range t.parts {
		if part.path == nil {
			b.WriteString(part.literal)
		} else {
			b.WriteString(p.lookup(part.path))
		}
	}
	return b.String()
}
