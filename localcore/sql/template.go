package sql

import "strings"

// A Template is text with substitutions ${expression}.
type Template struct {
	text  string
	parts []part
}

// A part is literal text, or an expression.
type part struct {
	literal string
	value   expr // nil: the literal
}

// ParseTemplate reads a template; an expression may be whatever SELECT takes (iot-substitution-templates). An error
// says at which column of the text, in characters from 1.
func ParseTemplate(text string, version Version) (Template, error) {
	t := Template{text: text}
	p := &parser{lexer: newLexer(text), version: version}
	for p.rest != "" {
		i := strings.Index(p.rest, "${")
		if i < 0 {
			i = len(p.rest)
		}
		if err := p.refuseElements(i); err != nil {
			return Template{}, err
		}
		if i > 0 {
			t.parts = append(t.parts, part{literal: p.take(i)})
		}
		if p.rest == "" {
			break
		}
		value, err := p.substitution()
		if err != nil {
			return Template{}, err
		}
		t.parts = append(t.parts, part{value: value})
	}
	return t, nil
}

// refuseElements looks for @{ in the next n bytes: only AWS's InfluxDB action takes it, and creating any other rule
// with it fails.
func (p *parser) refuseElements(n int) error {
	i := strings.Index(p.rest[:n], "@{")
	if i < 0 {
		return nil
	}
	p.take(i)
	return token{column: p.at}.errorf("@{ is not for this action, try: ${")
}

// substitution reads ${expression} and stops right behind the brace, where text goes on that is no SQL.
func (p *parser) substitution() (expr, error) {
	dollar := token{column: p.at}
	p.take(len("${"))
	p.advance()
	value, err := p.operand()
	switch {
	case p.kind == end:
		return nil, dollar.errorf(`"${" has no closing brace`)
	case err != nil:
		return nil, err
	case !p.is("}"):
		return nil, p.unwanted(`an operator or "}"`)
	}
	return value, nil
}

// String returns the template as it was written.
func (t Template) String() string { return t.text }

// IsConstant reports whether there is nothing to substitute: the template is its own text.
func (t Template) IsConstant() bool {
	return len(t.parts) == 0 || len(t.parts) == 1 && t.parts[0].value == nil
}

// Resolve puts the values in. Undefined becomes the empty string (iot-sql-data-types) and not an error: the action then
// fails on it. So does Null, whose text is Undefined.
func (t Template) Resolve(in *Input) string {
	var b strings.Builder
	for _, part := range t.parts {
		if part.value == nil {
			b.WriteString(part.literal)
			continue
		}
		text, _ := toText(part.value.eval(in))
		b.WriteString(text)
	}
	return b.String()
}
