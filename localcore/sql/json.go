package sql

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxDepth is how deeply a payload may nest. AWS names no bound; this one keeps recursion small.
const maxDepth = 500

// ParsePayload reads a message's payload for a rule of the given version. AWS takes objects and arrays for JSON, any
// other payload for bytes (iot-sql-where, "non-JSON payload": 80). Of members with one name the last counts.
func ParsePayload(text []byte, version Version) (Value, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8 text")
	}
	d := decoder{json.NewDecoder(bytes.NewReader(text)), version}
	d.UseNumber() // so that 34 digits stay 34 digits
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the JSON value")
	}
	switch v.(type) {
	case Array, *Object:
		return v, nil
	}
	return nil, fmt.Errorf("must be a JSON object or array, got %s", Kind(v))
}

type decoder struct {
	*json.Decoder
	version Version
}

func (d decoder) value(depth int) (Value, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Number:
		n := parseNumber(t.String(), d.version)
		if isUndefined(n) {
			return nil, fmt.Errorf("number %.20s: larger than AWS keeps, 9.99E999", t)
		}
		return n, nil
	case json.Delim:
		if depth == maxDepth {
			return nil, fmt.Errorf("nested more than %d deep", maxDepth)
		}
		if t == '[' {
			return d.array(depth + 1)
		}
		return d.object(depth + 1)
	}
	return t, nil // nil, bool or string
}

func (d decoder) array(depth int) (Value, error) {
	a := Array{}
	for d.More() {
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
	_, err := d.Token() // the bracket
	return a, err
}

func (d decoder) object(depth int) (Value, error) {
	o := &Object{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		o.set(name.(string), v) // the decoder takes nothing else for a name
	}
	_, err := d.Token() // the brace
	return o, err
}

// JSON writes a value as a rule's action gets it: Undefined is left out, and by itself nothing; Raw is itself.
func JSON(v Value) []byte {
	switch v := v.(type) {
	case Undefined:
		return nil
	case Raw:
		return v
	}
	var e encoder
	e.strings = json.NewEncoder(&e.out)
	e.strings.SetEscapeHTML(false)
	e.value(v)
	return e.out.Bytes()
}

type encoder struct {
	out     bytes.Buffer
	strings *json.Encoder // into out
}

func (e *encoder) value(v Value) {
	switch v := v.(type) {
	case nil:
		e.out.WriteString("null")
	case string:
		e.text(v)
	case Array:
		e.array(v)
	case *Object:
		e.object(v)
	default:
		text, _ := toText(v) // a number or a boolean
		e.out.WriteString(text)
	}
}

func (e *encoder) array(a Array) {
	e.out.WriteByte('[')
	separator := ""
	for _, v := range a {
		if isUndefined(v) {
			continue
		}
		e.out.WriteString(separator)
		e.value(v)
		separator = ","
	}
	e.out.WriteByte(']')
}

func (e *encoder) object(o *Object) {
	e.out.WriteByte('{')
	for i, name := range o.names {
		if i > 0 {
			e.out.WriteByte(',')
		}
		e.text(name)
		e.out.WriteByte(':')
		e.value(o.members[name])
	}
	e.out.WriteByte('}')
}

func (e *encoder) text(s string) {
	if err := e.strings.Encode(s); err != nil {
		panic("sql: a string does not encode: " + err.Error())
	}
	e.out.Truncate(e.out.Len() - 1) // the encoder's newline
}
