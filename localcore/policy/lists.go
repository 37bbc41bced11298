package policy

import (
	"encoding/json"

	"piway/localcore/strict"
)

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
