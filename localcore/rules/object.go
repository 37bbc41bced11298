package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// An object is a JSON object of a rule file, its members checked against those that AWS knows.
// encoding/json would take a member in any case and the last of two: AWS does neither.
type object struct {
	path    string   // of the object in the file, "" for the whole
	known   []string // names of members
	members map[string]json.RawMessage
}

// readObject refuses members that are not in known, repeated ones, and text after the object.
func readObject(path string, text []byte, known ...string) (object, error) {
	o := object{path: path, known: known, members: map[string]json.RawMessage{}}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return o, o.errorf("", "must be a JSON object%s", because(err))
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return o, o.errorf("", "not valid JSON%s", because(err))
		}
		name, _ := t.(string) // the decoder takes nothing else for a name
		if !slices.Contains(known, name) {
			return o, o.unknown(name)
		}
		if _, twice := o.members[name]; twice {
			return o, o.errorf(name, "given twice")
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return o, o.errorf(name, "not valid JSON%s", because(err))
		}
		o.members[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return o, o.errorf("", "not valid JSON%s", because(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return o, o.errorf("", "text after the closing brace")
	}
	return o, nil
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

func (o object) unknown(name string) error {
	hint := "one of " + strings.Join(o.known, ", ")
	for _, k := range o.known {
		if strings.EqualFold(k, name) {
			hint = k
		}
	}
	return o.errorf(name, "not a member that is known here, try: %s", hint)
}

// at returns the path of a member.
func (o object) at(name string) string {
	if o.path == "" || name == "" {
		return o.path + name
	}
	return o.path + "." + name
}

func (o object) errorf(name, format string, args ...any) error {
	where := o.at(name)
	if where == "" {
		where = "rule"
	}
	return fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...))
}

func (o object) has(name string) bool { return o.members[name] != nil }

// text returns a string member, "" if it is absent.
func (o object) text(name string) (string, error) {
	raw := o.members[name]
	if raw == nil {
		return "", nil
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", o.errorf(name, "must be a string")
	}
	return s, nil
}

// needText is text for a member that AWS requires.
func (o object) needText(name string) (string, error) {
	s, err := o.text(name)
	if err == nil && s == "" {
		err = o.errorf(name, "required and missing or empty")
	}
	return s, err
}

func (o object) boolean(name string) (bool, error) {
	switch raw := o.members[name]; string(raw) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, o.errorf(name, "must be true or false")
}
