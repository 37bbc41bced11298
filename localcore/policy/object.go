package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// An object is a JSON object of a policy, its members checked against those that AWS knows: in their case, and each once.
type object struct {
	path    string
	names   []string // in the order of the text
	members map[string]json.RawMessage
}

func readObject(path string, text []byte, known ...string) (object, error) {
	o := object{path: path, members: map[string]json.RawMessage{}}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return o, o.errorf("", "must be a JSON object")
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return o, o.errorf("", "not valid JSON: %w", err)
		}
		name, _ := t.(string) // the decoder takes nothing else for a name
		if !slices.Contains(known, name) {
			return o, o.errorf(name, "not a member that is known here, try: one of %s", strings.Join(known, ", "))
		}
		if o.members[name] != nil {
			return o, o.errorf(name, "given twice")
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return o, o.errorf(name, "not valid JSON: %w", err)
		}
		o.names, o.members[name] = append(o.names, name), value
	}
	if _, err := dec.Token(); err != nil {
		return o, o.errorf("", "not valid JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return o, o.errorf("", "text after the closing brace")
	}
	return o, nil
}

func (o object) at(name string) string {
	if o.path == "" || name == "" {
		return o.path + name
	}
	return o.path + "." + name
}

func (o object) errorf(name, format string, args ...any) error {
	where := o.at(name)
	if where == "" {
		where = "policy"
	}
	return fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...))
}

// text returns a string member, "" if it is absent.
func (o object) text(name string) (s string, err error) {
	raw := o.members[name]
	if raw == nil {
		return "", nil
	}
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", o.errorf(name, "must be a string")
	}
	return s, nil
}

// list returns the elements of a member, which may be one alone instead of a list of one.
func (o object) list(name string) ([]json.RawMessage, error) {
	raw := o.members[name]
	if raw == nil {
		return nil, o.errorf(name, "required and missing")
	}
	if raw[0] != '[' {
		return []json.RawMessage{raw}, nil
	}
	var all []json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, o.errorf(name, "not valid JSON: %w", err)
	}
	return all, nil
}

// patterns returns the strings of a member as patterns.
func (o object) patterns(name string) ([]pattern, error) {
	list, err := o.list(name)
	if err != nil {
		return nil, err
	}
	all := make([]pattern, len(list))
	for i, raw := range list {
		var s string
		if json.Unmarshal(raw, &s) != nil || raw[0] != '"' {
			return nil, o.errorf(name, "must be a string or a list of strings")
		}
		if all[i], err = parsePattern(s); err != nil {
			return nil, o.errorf(name, "%w", err)
		}
	}
	return all, nil
}

// somePatterns is patterns for a member that must not be empty.
func (o object) somePatterns(name string) ([]pattern, error) {
	all, err := o.patterns(name)
	if err == nil && len(all) == 0 {
		err = o.errorf(name, "must not be empty")
	}
	return all, err
}

func keysOf(m map[string][]string) []string { return slices.Sorted(maps.Keys(m)) }
