package policy

import (
	"encoding/json"
	"maps"
	"slices"

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

// patterns returns the strings of a member as patterns.
func patterns(o strict.Object, name string) ([]pattern, error) {
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
		if all[i], err = parsePattern(s); err != nil {
			return nil, o.Errorf(name, "%w", err)
		}
	}
	return all, nil
}

// somePatterns is patterns for a member that must not be empty.
func somePatterns(o strict.Object, name string) ([]pattern, error) {
	all, err := patterns(o, name)
	if err == nil && len(all) == 0 {
		err = o.Errorf(name, "must not be empty")
	}
	return all, err
}

func keysOf(m map[string][]string) []string { return slices.Sorted(maps.Keys(m)) }
