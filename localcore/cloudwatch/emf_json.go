package cloudwatch

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// readMembers reads one JSON object and nothing behind it. A name that comes twice is refused: which one counts is
// not said anywhere. So is what is not UTF-8, where encoding/json would put other characters.
func readMembers(text []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("must be a JSON object, got %.40q", string(text))
	}
	members := map[string]json.RawMessage{}
	for dec.More() {
		var value json.RawMessage
		t, err := dec.Token()
		if err := cmp.Or(err, dec.Decode(&value)); err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		name, _ := t.(string) // the decoder takes nothing else for a name
		if members[name] != nil {
			return nil, fmt.Errorf("member %q given twice", clip(name))
		}
		members[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the closing brace")
	}
	return members, nil
}

// readText returns a string member, which must be there.
func readText(members map[string]json.RawMessage, name string) (string, error) {
	raw := members[name]
	if raw == nil {
		return "", fmt.Errorf("no member %q", clip(name))
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", fmt.Errorf("member %q must be a string, got %.40q", clip(name), string(raw))
	}
	return s, nil
}

// readList returns the elements of an array member, which must be there.
func readList(members map[string]json.RawMessage, name string) ([]json.RawMessage, error) {
	raw := members[name]
	if raw == nil {
		return nil, fmt.Errorf("no member %q", clip(name))
	}
	var list []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return nil, fmt.Errorf("member %q must be an array, got %.40q", clip(name), string(raw))
	}
	return list, nil
}

// readValues returns the values of a metric: a number or an array of 1 to 100 numbers, a member of the root.
func readValues(root map[string]json.RawMessage, name string) ([]float64, error) {
	raw := root[name]
	if raw == nil {
		return nil, fmt.Errorf("no member %q in the root of the document", clip(name))
	}
	list := []json.RawMessage{raw}
	if raw[0] == '[' {
		var err error
		if list, err = readList(root, name); err != nil {
			return nil, err
		}
	}
	if n := len(list); n == 0 || n > maxEMFValues {
		return nil, fmt.Errorf("%d values, a metric has 1 to %d", n, maxEMFValues)
	}
	values := make([]float64, len(list))
	for i, raw := range list {
		// Unmarshal leaves a number alone at null, and takes no number in quotes.
		if string(raw) == "null" || json.Unmarshal(raw, &values[i]) != nil {
			return nil, fmt.Errorf("value must be a number or an array of numbers, got %.40q", string(raw))
		}
	}
	return values, nil
}
