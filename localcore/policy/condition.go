package policy

import (
	"slices"
	"strings"

	"piway/localcore/strict"
)

// A condition is one operator on one key (IAM, Condition operators).
type condition struct {
	key               string
	values            []pattern
	negated, ifExists bool
	all, any          bool // each, or one, of the values that the request has must do, in the place of its only one
}

// keyAttributes is the one key that has several values; the others are variables.
const keyAttributes = "iot:ConnectAttributes"

// readConditions reads what must hold for a statement. With an operator or a key that is not supported an Allow never
// holds, and a Deny is refused.
func (p *Policy) readConditions(o strict.Object, deny bool) (all []condition) {
	if !o.Has("Condition") {
		return nil
	}
	top := o.Read("Condition")
	for _, operator := range top.Names {
		keys := top.Read(operator)
		for _, key := range keys.Names {
			c, known := newCondition(operator, key)
			const foreign = "not supported here, try: StringEquals, StringLike or Bool, of iot:ConnectAttributes, " +
				"iot:ClientId, iot:Connection.Thing.ThingName or iot:Connection.Thing.IsAttached"
			switch {
			case !known && deny:
				keys.Fail(key, foreign)
			case !known:
				p.warn(keys.Errorf(key, foreign))
			}
			for _, v := range p.patterns(keys, key, !deny) {
				v.exact = !strings.Contains(operator, "Like")
				c.values = append(c.values, v)
			}
			all = append(all, c)
		}
	}
	return all
}

// newCondition returns one without values; one that is not known never holds.
func newCondition(operator, key string) (c condition, known bool) {
	c.key = key
	name, ifExists := strings.CutSuffix(operator, "IfExists")
	name, c.all = strings.CutPrefix(name, "ForAllValues:")
	name, c.any = strings.CutPrefix(name, "ForAnyValue:")
	kind, negated := strings.CutPrefix(name, "StringNot")
	if c.ifExists, c.negated = ifExists, negated; negated {
		name = "String" + kind
	}
	c.all = c.all || key == keyAttributes && !c.any // AWS's page of connect policies reads it so
	if !slices.Contains([]string{"StringEquals", "StringLike", "Bool"}, name) ||
		key != keyAttributes && (variables[key] == nil || len(key) == 1) {
		return condition{any: true}, false
	}
	return c, true
}

func (c condition) holds(r *Request) bool {
	var have []string
	if v, ok := value(c.key, r); ok {
		have = []string{v}
	}
	if c.key == keyAttributes {
		have = r.ConnectAttributes
	}
	does := func(v string) bool {
		return slices.ContainsFunc(c.values, func(p pattern) bool { return p.matches(v, r) }) != c.negated
	}
	switch {
	case c.all:
		return !slices.ContainsFunc(have, func(v string) bool { return !does(v) })
	case c.any:
		return slices.ContainsFunc(have, does)
	case have == nil:
		return c.negated || c.ifExists
	}
	return does(have[0])
}
