package sql

import "strings"

// Bounds of one statement or template, so that no text can overflow the stack or take long to evaluate. AWS names
// none but the 128 KB of a whole rule.
const (
	maxNesting = 64
	maxTerms   = 500
)

// A parser reads from the token in hand. Its first error ends it.
type parser struct {
	lexer
	token   // in hand
	version Version
	depth   int
	terms   int
	inWhere bool
}

func newParser(text string, version Version) *parser {
	p := &parser{lexer: newLexer(text), version: version}
	p.advance()
	return p
}

func (p *parser) advance() { p.token = p.next() }

// peek is the token after the one in hand.
func (p *parser) peek() token {
	ahead := p.lexer
	return ahead.next()
}

// accept passes over the token if it is that one.
func (p *parser) accept(text string) bool {
	if !p.is(text) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(text, want string) error {
	if !p.accept(text) {
		return p.unwanted(want)
	}
	return nil
}

// needs refuses what came with a later version than the rule's.
func (p *parser) needs(version Version, at token, what string) error {
	if p.version < version {
		return at.errorf("%s needs awsIotSqlVersion %s, and the rule has %s", what, version, p.version)
	}
	return nil
}

// parseQuery reads SELECT items [FROM 'filter'] [WHERE expression].
func (p *parser) parseQuery() (q Query, err error) {
	if err := p.expect("SELECT", "SELECT"); err != nil {
		return q, err
	}
	if err := p.parseSelect(&q); err != nil {
		return q, err
	}
	after := `an operator, ",", FROM, WHERE or the end`
	if p.is("FROM") {
		if q.From, err = p.parseFrom(); err != nil {
			return q, err
		}
		after = "WHERE or the end"
	}
	if p.accept("WHERE") {
		p.inWhere = true
		if q.where, err = p.expression(); err != nil {
			return q, err
		}
		after = "an operator or the end"
	}
	if p.kind != end {
		return q, p.unwanted(after)
	}
	return q, nil
}

func (p *parser) parseFrom() (*Filter, error) {
	p.advance()
	at := p.token
	if at.kind != quoted || at.quote != '\'' {
		return nil, at.unwanted("a topic filter in single quotes")
	}
	p.advance()
	f, err := ParseFilter(at.text)
	if err != nil {
		return nil, at.errorf("%w", err)
	}
	return &f, nil
}

func (p *parser) parseSelect(q *Query) error {
	isValue, err := p.acceptVALUE()
	if err != nil {
		return err
	}
	if isValue {
		q.value, err = p.operand()
		switch {
		case err != nil:
			return err
		case p.is("AS"):
			return p.errorf("SELECT VALUE has no name, got AS, try: SELECT expression AS name")
		case p.is(","):
			return p.errorf("SELECT VALUE takes one expression, got a comma")
		}
		return nil
	}
	for {
		one, err := p.parseItem()
		if err != nil {
			return err
		}
		q.items = append(q.items, one)
		if !p.accept(",") {
			return nil
		}
	}
}

// acceptVALUE tells the keyword from an attribute of that name by what follows it.
func (p *parser) acceptVALUE() (bool, error) {
	if !p.is("VALUE") {
		return false, nil
	}
	at, next := p.token, p.peek()
	switch {
	case next.is("-"):
		return false, next.errorf(`"value -" can be read in two ways, try: get(*, 'value') - …`)
	case next.is("*"), next.is("("), next.is("["), next.kind == number, next.kind == quoted,
		next.kind == word && !isKeyword(next.text), next.is("NOT"), next.is("true"), next.is("false"), next.is("null"):
		p.advance()
		return true, p.needs(V2016, at, "SELECT VALUE")
	}
	return false, nil
}

func (p *parser) parseItem() (item, error) {
	start := p.start
	value, err := p.operand()
	if err != nil {
		return item{}, err
	}
	if _, all := value.(star); all {
		if p.is("AS") {
			return item{}, p.errorf("* has no name, got AS, try: SELECT *")
		}
		return item{value: value}, nil
	}
	if !p.accept("AS") {
		name, err := p.defaultName(value, p.whole[start:p.start])
		return item{value, name}, err
	}
	name := p.token
	if name.kind != word || isKeyword(name.text) {
		return item{}, name.unwanted("a name of letters, digits and underscores")
	}
	p.advance()
	if p.is(".") {
		return item{}, p.errorf("a nested name after AS is not supported here, try: AS %s", name.text)
	}
	return item{value, name.text}, nil
}

// defaultName is what the output calls an item without AS: by the last name of a path, or the function's. AWS documents
// neither the latter, on which rules in use rely, nor any for other expressions, which are refused.
func (p *parser) defaultName(value expr, text string) (string, error) {
	switch value := value.(type) {
	case attribute:
		return value[len(value)-1], nil
	case member:
		return value.path[len(value.path)-1], nil
	case call:
		if name, _, _ := strings.Cut(text, "("); name != "" { // else it stands in parentheses
			return strings.TrimSpace(name), nil
		}
	}
	if p.kind == end || p.is(",") || p.is("FROM") || p.is("WHERE") {
		return "", p.errorf("%.40q needs a name in the output, try: AS name", strings.TrimSpace(text))
	}
	return "", p.unwanted(`an operator, AS, ",", FROM, WHERE or the end`)
}

// name takes an attribute's name. After a dot AWS reaches no digits (iot-sql-json), nor hyphens and spaces anywhere.
func (p *parser) name(afterDot bool) (string, error) {
	t := p.token
	want := "an expression"
	if afterDot {
		want = "a member's name of letters and underscores, try: get(object, 'name') for others"
	}
	if t.kind != word || isKeyword(t.text) {
		return "", t.unwanted(want)
	}
	if afterDot && strings.ContainsAny(t.text, "0123456789") {
		return "", t.unwanted(want)
	}
	p.advance()
	return t.text, nil
}

// keywords cannot be attributes' names; with get(*, 'end') they can.
var keywords = map[string]bool{
	"SELECT": true, "FROM": true, "WHERE": true, "AS": true, "AND": true, "OR": true, "NOT": true,
	"TRUE": true, "FALSE": true, "NULL": true, "IN": true, "EXISTS": true,
	"CASE": true, "WHEN": true, "THEN": true, "ELSE": true, "END": true,
}

func isKeyword(text string) bool { return keywords[strings.ToUpper(text)] }

// nested guards every way in which an expression can hold another.
func (p *parser) nested(parse func() (expr, error)) (expr, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxNesting {
		return nil, p.errorf("nested more than %d deep", maxNesting)
	}
	return parse()
}

// term counts what one expression is made of.
func (p *parser) term() error {
	if p.terms++; p.terms > maxTerms {
		return p.errorf("more than %d terms in one text", maxTerms)
	}
	return nil
}
