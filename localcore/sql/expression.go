package sql

import "strings"

// operand reads an expression or a bare *, the whole payload, where one may stand: as an item, a function's argument
// or a template.
func (p *parser) operand() (expr, error) {
	if p.is("*") && !p.peek().is(".") {
		p.advance()
		return star{}, p.term()
	}
	return p.expression()
}

func (p *parser) expression() (expr, error) {
	return p.nested(func() (expr, error) { return p.chain(p.conjunction, logic, "OR") })
}

func (p *parser) conjunction() (expr, error) { return p.chain(p.negation, logic, "AND") }

// negation reads NOT in front of a comparison: NOT a = b is NOT (a = b).
func (p *parser) negation() (expr, error) {
	if !p.accept("NOT") {
		return p.comparison()
	}
	if err := p.term(); err != nil {
		return nil, err
	}
	x, err := p.nested(p.negation)
	return not{x}, err
}

// comparison takes one operator: what a < b < c means is documented nowhere.
func (p *parser) comparison() (expr, error) {
	left, err := p.sum()
	if err != nil {
		return nil, err
	}
	for _, op := range []string{"=", "<>", "!=", "<", "<=", ">", ">="} {
		if !p.accept(op) {
			continue
		}
		right, err := p.sum()
		return comparison(op, left, right), err
	}
	return left, nil
}

func (p *parser) sum() (expr, error)     { return p.chain(p.product, arithmetic, "+", "-") }
func (p *parser) product() (expr, error) { return p.chain(p.primary, arithmetic, "*", "/", "%") }

// chain reads operands of one precedence, left to right.
func (p *parser) chain(operand func() (expr, error), join func(op string, l, r expr) expr, ops ...string) (expr,
	error,
) {
	left, err := operand()
	for err == nil {
		op := p.oneOf(ops)
		if op == "" {
			return left, nil
		}
		p.advance()
		var right expr
		right, err = operand()
		left = join(op, left, right)
	}
	return nil, err
}

func (p *parser) oneOf(ops []string) string {
	for _, op := range ops {
		if p.is(op) {
			return op
		}
	}
	return ""
}

func (p *parser) primary() (expr, error) {
	if err := p.term(); err != nil {
		return nil, err
	}
	t := p.token
	switch {
	case t.kind == quoted:
		p.advance()
		return literal{t.text}, nil
	case t.kind == number, t.is("-"):
		return p.number()
	case t.is("("):
		return p.parenthesis()
	case t.is("["):
		return p.array()
	case t.is("*"):
		return p.starMember()
	case t.kind == word:
		return p.word()
	}
	return nil, t.unwanted("an expression")
}

// number reads a literal with its sign. A minus in front of anything else is not in AWS's list of operators.
func (p *parser) number() (expr, error) {
	sign := ""
	if p.accept("-") {
		sign = "-"
	}
	t := p.token
	if t.kind != number {
		return nil, t.unwanted("a number after the minus sign, try: 0 - …")
	}
	v := parseNumber(sign+t.text, p.version)
	if isUndefined(v) {
		return nil, t.errorf("number %.20s: larger than AWS keeps, 9.99E999", t.text)
	}
	p.advance()
	return literal{v}, nil
}

func (p *parser) parenthesis() (expr, error) {
	p.advance()
	x, err := p.expression()
	if err != nil {
		return nil, err
	}
	return x, p.expect(")", `an operator or ")"`)
}

func (p *parser) array() (expr, error) {
	if err := p.needs(V2016, p.token, "an array"); err != nil {
		return nil, err
	}
	p.advance()
	list, err := p.list("]", p.expression)
	return arrayOf(list), err
}

// list reads comma-separated expressions and the closing symbol.
func (p *parser) list(closing string, parse func() (expr, error)) ([]expr, error) {
	var list []expr
	if p.accept(closing) {
		return nil, nil
	}
	for {
		x, err := parse()
		if err != nil {
			return nil, err
		}
		list = append(list, x)
		if !p.accept(",") {
			return list, p.expect(closing, `an operator, "," or "`+closing+`"`)
		}
	}
}

// starMember reads *.member, which AWS's own samples use in SELECT; * stands in no WHERE clause (iot-sql-json).
func (p *parser) starMember() (expr, error) {
	if p.inWhere {
		return nil, p.unwanted("an expression, * belongs in SELECT")
	}
	p.advance()
	if !p.is(".") {
		return nil, p.unwanted(`"." and a member's name after *`)
	}
	return p.members(star{})
}

func (p *parser) word() (expr, error) {
	t := p.token
	for name, v := range map[string]Value{"true": true, "false": false, "null": nil} {
		if p.accept(name) {
			return literal{v}, nil
		}
	}
	name, err := p.name(false)
	if err != nil {
		return nil, err
	}
	if p.is("(") {
		x, err := p.call(t)
		if err != nil {
			return nil, err
		}
		return p.members(x)
	}
	path := attribute{name}
	more, err := p.path()
	return append(path, more...), err
}

// members reads the path after a value, if there is one.
func (p *parser) members(x expr) (expr, error) {
	path, err := p.path()
	if path == nil {
		return x, err
	}
	return member{x, path}, err
}

func (p *parser) path() ([]string, error) {
	var path []string
	for at := p.token; p.accept("."); at = p.token {
		if err := p.needs(V2016, at, "a nested attribute"); err != nil {
			return nil, err
		}
		name, err := p.name(true)
		if err != nil {
			return nil, err
		}
		path = append(path, name)
	}
	return path, nil
}

// call reads a function's arguments from the opening parenthesis on.
func (p *parser) call(name token) (expr, error) {
	if name.is("cast") {
		return p.cast()
	}
	f, known := functions[strings.ToLower(name.text)]
	if !known {
		return nil, name.errorf("function %.40s is not supported here, try: one of %s", name.text, functionNames())
	}
	if err := p.needs(f.since, name, strings.ToLower(name.text)+"()"); err != nil {
		return nil, err
	}
	p.advance()
	args, err := p.list(")", p.operand)
	if err != nil {
		return nil, err
	}
	if len(args) < f.least || len(args) > f.most {
		return nil, name.errorf("%s takes %s, got %d", name.text, f.arity(), len(args))
	}
	return call{f.eval, args}, nil
}

// cast reads (expression AS type).
func (p *parser) cast() (expr, error) {
	p.advance()
	x, err := p.operand()
	if err != nil {
		return nil, err
	}
	if err := p.expect("AS", "an operator or AS and a type"); err != nil {
		return nil, err
	}
	t := p.token
	to, known := types[strings.ToLower(t.text)]
	if t.kind != word || !known {
		if t.is("Double") {
			return nil, t.errorf("a cast to Double is not supported here, try: Decimal")
		}
		return nil, t.unwanted("one of the types Decimal, Int, String, Boolean")
	}
	if err := p.needs(to.since, t, "a cast to "+t.text); err != nil {
		return nil, err
	}
	p.advance()
	return call{func(in *Input, args []Value) Value { return to.cast(args[0], in.Version) }, []expr{x}},
		p.expect(")", `")"`)
}
