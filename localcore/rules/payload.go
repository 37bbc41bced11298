package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
)

// A Payload is a message's JSON value.
type Payload struct{ value any }

// ParsePayload reads one JSON value and nothing after it.
func ParsePayload(text []byte) (Payload, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // so that 34 digits stay 34 digits
	var p Payload
	if err := dec.Decode(&p.value); err != nil {
		return Payload{}, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Payload{}, errors.New("text after the JSON value")
	}
	return p, nil
}

func (p Payload) lookup(path []string) string {
	v := p.value
	for _, name := range path {
		members, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = members[name]
	}
	return render(v)
}

// render writes a value as AWS IoT SQL serialises it in text. Null is not documented; empty makes the action fail,
// which is the side to err on.
func render(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return renderNumber(v.String())
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic("rules: decoded JSON does not encode: " + err.Error())
	}
	return string(text)
}

// renderNumber writes whole decimals as integers (10.0 is 10), other numbers as they came.
func renderNumber(s string) string {
	if strings.ContainsAny(s, "eE") {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return s // out of a double's range; the metric's value check refuses it
		}
		if f == math.Trunc(f) && math.Abs(f) < 1e15 {
			return strconv.FormatFloat(f+0, 'f', -1, 64) // +0 makes -0 a 0
		}
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if strings.Trim(fraction, "0") != "" {
		return s
	}
	if whole == "-0" {
		return "0"
	}
	return whole
}
