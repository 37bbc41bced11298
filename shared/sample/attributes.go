package sample

import (
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a report's attributes, since a gateway holds those of each device. What exceeds them is left out, a value
// that is too long is cut.
const (
	// MaxAttributes of a device.
	MaxAttributes = 20
	// MaxAttributeKey and MaxAttributeValue are in bytes.
	MaxAttributeKey   = 40
	MaxAttributeValue = 200
)

// attributes are an object of strings.
type attributes struct {
	all map[string]string
	cut int // of those that were sent, how many were left out or cut
}

// read takes any value, so that decoding goes on. Null counts as absent.
func (a *attributes) read(dec *jsontext.Decoder) error {
	if kind := dec.PeekKind(); kind != '{' {
		if kind != 'n' {
			a.cut++
		}
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		key, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name := key.String() // the token is valid until the decoder goes on
		var value text
		if err := value.read(dec); err != nil {
			return err
		}
		a.put(name, &value)
	}
	_, err := dec.ReadToken()
	return err
}

func (a *attributes) put(key string, value *text) {
	switch {
	case value.bad == "null":
		return
	case value.bad != "" || len(a.all) >= MaxAttributes || len(key) > MaxAttributeKey || !printable(key):
		a.cut++
		return
	case a.all == nil:
		a.all = map[string]string{}
	}
	a.all[key] = value.s
	if clean := cleanValue(value.s); clean != value.s {
		a.all[key] = clean
		a.cut++
	}
}

// printable reports whether a key is of printable ASCII characters, and not only of spaces.
func printable(key string) bool {
	return strings.TrimSpace(key) != "" && !strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' })
}

// cleanValue returns a value within its bound, and without what would disturb a terminal.
func cleanValue(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if len(s) > MaxAttributeValue {
		s = strings.ToValidUTF8(s[:MaxAttributeValue], "")
	}
	return s
}
