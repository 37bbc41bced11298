// Package strict reads the JSON objects of AWS's files. Its one promise: a member that is not known, is in another
// case or is given twice is told with its place; encoding/json would take any of them without a word, and AWS does
// not.
package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// An Object is a JSON object of a file. Its methods return errors that begin with the member's path.
type Object struct {
	file, path string
	// Names are the members' in the order of the text, Members their values.
	Names   []string
	Members map[string]json.RawMessage
}

// Unwrap returns the first of these members that is in the object of a text, decoded if it is a string, and the members
// that stand beside it: AWS's commands print documents so, and take them so in --cli-input-json. Of another text it
// returns all.
func Unwrap(text []byte, members ...string) (inner []byte, beside map[string]json.RawMessage) {
	if json.Unmarshal(text, &beside) != nil {
		return text, nil
	}
	for _, name := range members {
		if raw := beside[name]; raw != nil {
			var s string
			if json.Unmarshal(raw, &s) == nil && raw[0] == '"' {
				return []byte(s), beside
			}
			return raw, beside
		}
	}
	return text, nil
}

// Read reads the whole text of a file, which errors call by that name: "rule: must be a JSON object". Of no known
// members all are.
func Read(file string, text []byte, known ...string) (Object, error) {
	return read(file, "", text, known)
}

// Read reads a member that is an object in its turn.
func (o Object) Read(name string, known ...string) (Object, error) {
	return read(o.file, o.At(name), o.Members[name], known)
}

// ReadAt reads an object that is an element of a member, with its path.
func (o Object) ReadAt(path string, text []byte, known ...string) (Object, error) {
	return read(o.file, path, text, known)
}

func read(file, path string, text []byte, known []string) (Object, error) {
	o := Object{file: file, path: path, Members: map[string]json.RawMessage{}}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return o, o.Errorf("", "must be a JSON object%s", because(err))
	}
	for dec.More() {
		if err := o.member(dec, known); err != nil {
			return o, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return o, o.Errorf("", "not valid JSON%s", because(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return o, o.Errorf("", "text after the closing brace")
	}
	return o, nil
}

func (o *Object) member(dec *json.Decoder, known []string) error {
	t, err := dec.Token()
	if err != nil {
		return o.Errorf("", "not valid JSON%s", because(err))
	}
	name, _ := t.(string) // the decoder takes nothing else for a name
	if len(known) > 0 && !slices.Contains(known, name) {
		return o.unknown(name, known)
	}
	if o.Has(name) {
		return o.Errorf(name, "given twice")
	}
	var value json.RawMessage
	if err := dec.Decode(&value); err != nil {
		return o.Errorf(name, "not valid JSON%s", because(err))
	}
	o.Names, o.Members[name] = append(o.Names, name), value
	return nil
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

func (o Object) unknown(name string, known []string) error {
	hint := "one of " + strings.Join(known, ", ")
	for _, k := range known {
		if strings.EqualFold(k, name) {
			hint = k
		}
	}
	return o.Errorf(name, "not a member that is known here, try: %s", hint)
}

// At returns the path of a member.
func (o Object) At(name string) string {
	if o.path == "" || name == "" {
		return o.path + name
	}
	return o.path + "." + name
}

// Errorf makes an error about a member, or about the object if name is "".
func (o Object) Errorf(name, format string, args ...any) error {
	where := o.At(name)
	if where == "" {
		where = o.file
	}
	return fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...))
}

// Has reports whether there is such a member.
func (o Object) Has(name string) bool { return o.Members[name] != nil }

// Text returns a string member, "" if it is absent.
func (o Object) Text(name string) (s string, err error) {
	raw := o.Members[name]
	if raw == nil {
		return "", nil
	}
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", o.Errorf(name, "must be a string")
	}
	return s, nil
}

// NeedText is Text for a member that AWS requires.
func (o Object) NeedText(name string) (string, error) {
	s, err := o.Text(name)
	if err == nil && s == "" {
		err = o.Errorf(name, "required and missing or empty")
	}
	return s, err
}

// Bool returns a member that is true or false; absent is false.
func (o Object) Bool(name string) (bool, error) {
	switch raw := o.Members[name]; string(raw) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, o.Errorf(name, "must be true or false")
}
