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

// An Object is a JSON object of a file. The first mistake in it, or in an object in it, is kept in Err; methods return
// zero values for what is wrong. Errors begin with the member's path.
type Object struct {
	file, path string
	err        *error // of the whole file
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
func Read(file string, text []byte, known ...string) Object {
	return Object{file: file, err: new(error)}.ReadAt("", text, known...)
}

// Read reads a member that is an object in its turn.
func (o Object) Read(name string, known ...string) Object {
	return o.ReadAt(o.At(name), o.Members[name], known...)
}

// ReadAt reads an object that is an element of a member, with its path.
func (o Object) ReadAt(path string, text []byte, known ...string) Object {
	o = Object{file: o.file, path: path, err: o.err, Members: map[string]json.RawMessage{}}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		o.Fail("", "must be a JSON object%s", because(err))
		return o
	}
	for dec.More() {
		if !o.member(dec, known) {
			return o
		}
	}
	if _, err := dec.Token(); err != nil {
		o.Fail("", "not valid JSON%s", because(err))
	} else if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		o.Fail("", "text after the closing brace")
	}
	return o
}

func (o *Object) member(dec *json.Decoder, known []string) bool {
	t, err := dec.Token()
	name, _ := t.(string) // the decoder takes nothing else for a name
	var value json.RawMessage
	switch {
	case err != nil:
		o.Fail("", "not valid JSON%s", because(err))
	case len(known) > 0 && !slices.Contains(known, name):
		o.unknown(name, known)
	case o.Has(name):
		o.Fail(name, "given twice")
	default:
		if err = dec.Decode(&value); err != nil {
			o.Fail(name, "not valid JSON%s", because(err))
		}
		o.Names, o.Members[name] = append(o.Names, name), value
	}
	return o.Err() == nil
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

func (o Object) unknown(name string, known []string) {
	hint := "one of " + strings.Join(known, ", ")
	for _, k := range known {
		if strings.EqualFold(k, name) {
			hint = k
		}
	}
	o.Fail(name, "not a member that is known here, try: %s", hint)
}

// At returns the path of a member.
func (o Object) At(name string) string {
	if o.path == "" || name == "" {
		return o.path + name
	}
	return o.path + "." + name
}

// Err is the first mistake of the file, nil for none yet.
func (o Object) Err() error { return *o.err }

// Fail keeps a mistake of a member, or of the object if name is "".
func (o Object) Fail(name, format string, args ...any) {
	if *o.err == nil {
		*o.err = o.Errorf(name, format, args...)
	}
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
func (o Object) Text(name string) (s string) {
	if raw := o.Members[name]; raw != nil && (raw[0] != '"' || json.Unmarshal(raw, &s) != nil) {
		o.Fail(name, "must be a string")
	}
	return s
}

// NeedText is Text for a member that AWS requires.
func (o Object) NeedText(name string) string {
	s := o.Text(name)
	if s == "" {
		o.Fail(name, "required and missing or empty")
	}
	return s
}

// Bool returns a member that is true or false; absent is false.
func (o Object) Bool(name string) bool {
	raw := string(o.Members[name])
	if raw != "" && raw != "false" && raw != "true" {
		o.Fail(name, "must be true or false")
	}
	return raw == "true"
}

// List returns the elements of a member that is a list.
func (o Object) List(name string) (all []json.RawMessage) {
	if err := json.Unmarshal(o.Members[name], &all); err != nil {
		o.Fail(name, "not valid JSON: %w", err)
	}
	return all
}
