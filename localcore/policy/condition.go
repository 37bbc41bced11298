package policy

import (
	"slices"

	"piway/localcore/strict"
)

// A condition is one operator on one key.
type condition struct {
	key    string
	values []pattern
	all    bool // ForAllValues: each value that the request has must be one of these
}

// The keys, and the operators that are known for each.
const (
	keyAttributes = "iot:ConnectAttributes"
	keyAttached   = "iot:Connection.Thing.IsAttached"
	keyClient     = "iot:ClientId"
	keyThing      = "iot:Connection.Thing.ThingName"
)

var operators = map[string][]string{
	"ForAllValues:StringEquals": {keyAttributes},
	"Bool":                      {keyAttached},
	"StringEquals":              {keyClient, keyThing},
	"StringLike":                {keyClient, keyThing},
}

func readConditions(o strict.Object) ([]condition, error) {
	if !o.Has("Condition") {
		return nil, nil
	}
	top, err := o.Read("Condition", keysOf(operators)...)
	if err != nil {
		return nil, err
	}
	var all []condition
	for _, operator := range top.Names {
		keys, err := top.Read(operator, operators[operator]...)
		if err != nil {
			return nil, err
		}
		for _, key := range keys.Names {
			values, err := patterns(keys, key)
			if err != nil {
				return nil, err
			}
			if operator == "StringEquals" {
				for i := range values {
					values[i] = values[i].literal()
				}
			}
			all = append(all, condition{key: key, values: values, all: key == keyAttributes})
		}
	}
	return all, nil
}

// literal makes the wildcards of a pattern plain characters.
func (p pattern) literal() pattern {
	return pattern{text: p.text, parts: p.parts, exact: true}
}

func (c condition) holds(r *Request) bool {
	if c.all {
		for _, have := range r.ConnectAttributes {
			if !slices.ContainsFunc(c.values, func(p pattern) bool { return p.matches(have, r) }) {
				return false
			}
		}
		return true
	}
	have, ok := variables[c.key](r)
	return ok && slices.ContainsFunc(c.values, func(p pattern) bool { return p.matches(have, r) })
}
