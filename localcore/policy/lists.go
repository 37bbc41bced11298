package policy

import (
	"encoding/json"

	"piway/localcore/strict"
)

// list returns the elements of a member, which may be one alone instead of a list of one.
func list(o strict.Object, name string) ([]json.RawMessage, error) {
	raw := o.Members[name]
	if raw == nil {
		return nil, o.Errorf(name, "required and missing")
	}
	if raw[0] != '[' {
		return []json.RawMessage{raw}, nil
	}
	var all []json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, o.Errorf(name, "not valid JSON: %w", err)
	}
	return all, nil
}

// patterns returns the strings of a member as patterns. A variable that has no value here makes one match nothing;
// unless that is safe it is refused.
func (p *Policy) patterns(o strict.Object, name string, safe bool) ([]pattern, error) {
	elements, err := list(o, name)
	if err != nil {
		return nil, err
	}
	all := make([]pattern, len(elements))
	for i, raw := range elements {
		var s string
		if json.Unmarshal(raw, &s) != nil || raw[0] != '"' {
			return nil, o.Errorf(name, "must be a string or a list of strings")
		}
		var unknown string
		switch all[i], unknown, err = parsePattern(s, p.plain); {
		case err != nil:
			return nil, o.Errorf(name, "%w", err)
		case unknown == "":
		case !safe:
			return nil, o.Errorf(name, "%q: the variable %.60q is not supported here", s, unknown)
		default:
			p.warn(o.Errorf(name, "%q: matches nothing, the variable %.60q has no value here, try: iot:ClientId or "+
				"iot:Connection.Thing.ThingName", s, unknown))
		}
	}
	return all, nil
}

// readSet reads Action or Resource, or its contrary.
func (p *Policy) readSet(o strict.Object, name string, deny bool) (s set, err error) {
	if s.not = o.Has("Not" + name); s.not && o.Has(name) {
		return s, o.Errorf("Not"+name, "stands beside %s, try: one of them", name)
	} else if s.not {
		name = "Not" + name
	}
	s.patterns, err = p.patterns(o, name, deny == s.not)
	if err == nil && len(s.patterns) == 0 {
		err = o.Errorf(name, "must not be empty")
	}
	return s, err
}
