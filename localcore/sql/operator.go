package sql

// maxText bounds a string or an array that an expression makes, in bytes or items: the 128 KB of a message. Beyond it
// the result is Undefined.
const maxText = 128 * 1024

type not struct{ x expr }

func (n not) eval(in *Input) Value {
	if v, ok := toBoolean(n.x.eval(in)); ok {
		return !v
	}
	return Undefined{}
}

// A binary is an operator with its operands; both are always evaluated.
type binary struct {
	left, right expr
	apply       func(l, r Value, version Version) Value
}

func (b binary) eval(in *Input) Value { return b.apply(b.left.eval(in), b.right.eval(in), in.Version) }

// logic joins with AND or OR. An operand that is neither true nor false makes the whole Undefined (iot-sql-operators),
// so `x > 1 OR y > 1` selects nothing of a message without x.
func logic(op string, l, r expr) expr {
	isAnd := op == "AND"
	return binary{l, r, func(l, r Value, _ Version) Value {
		a, ok1 := toBoolean(l)
		b, ok2 := toBoolean(r)
		if !ok1 || !ok2 {
			return Undefined{}
		}
		if isAnd {
			return a && b
		}
		return a || b
	}}
}

func comparison(op string, l, r expr) expr {
	switch op {
	case "=":
		return binary{l, r, func(l, r Value, _ Version) Value { return compareEqual(l, r, true) }}
	case "<>", "!=":
		return binary{l, r, func(l, r Value, _ Version) Value { return compareEqual(l, r, false) }}
	}
	holds := map[string]func(sign int) bool{
		"<":  func(sign int) bool { return sign < 0 },
		"<=": func(sign int) bool { return sign <= 0 },
		">":  func(sign int) bool { return sign > 0 },
		">=": func(sign int) bool { return sign >= 0 },
	}[op]
	return binary{l, r, func(l, r Value, version Version) Value {
		a, ok1 := toNumber(l, version)
		b, ok2 := toNumber(r, version)
		if !ok1 || !ok2 {
			return Undefined{}
		}
		return holds(a.compare(b))
	}}
}

func compareEqual(l, r Value, want bool) Value {
	if isUndefined(l) || isUndefined(r) {
		return Undefined{}
	}
	return equal(l, r) == want
}

func arithmetic(op string, l, r expr) expr {
	return binary{l, r, func(l, r Value, version Version) Value {
		if op == "+" && (isText(l) || isText(r)) {
			return join(l, r)
		}
		a, ok1 := toNumber(l, version)
		b, ok2 := toNumber(r, version)
		if !ok1 || !ok2 {
			return Undefined{}
		}
		a.isInt, b.isInt = a.isInt && !isText(l), b.isInt && !isText(r)
		return calculate(op, a, b, version)
	}}
}

func isText(v Value) bool {
	_, yes := v.(string)
	return yes
}

// join writes values one after another; without text for one of them there is none for all.
func join(values ...Value) Value {
	text := ""
	for _, v := range values {
		s, ok := toText(v)
		if !ok || len(text)+len(s) > maxText {
			return Undefined{}
		}
		text += s
	}
	return text
}
