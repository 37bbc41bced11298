package scan

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Stands reports whether the character stands at i.
func Stands(text []byte, i int, c byte) bool { return 0 <= i && i < len(text) && text[i] == c }

// MemberAt reads the key of the member that begins at i and says where its value begins, or -1 if there is none.
func MemberAt(text []byte, i int) (key []byte, value int) {
	end := stringEnd(text, i)
	if end < 0 {
		return nil, -1
	}
	colon := Space(text, end)
	if !Stands(text, colon, ':') {
		return nil, -1
	}
	return text[i:end], Space(text, colon+1)
}

// ValueEnd is where the comma or the bracket stands that ends what begins at i, or -1 if there is none.
func ValueEnd(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			if i = stringEnd(text, i); i < 0 {
				return -1
			}
			continue
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return -1
}

// stringEnd is behind the string that begins at i, or -1 if none does, or it has no end.
func stringEnd(text []byte, i int) int {
	if !Stands(text, i, '"') {
		return -1
	}
	for i++; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return -1
}

// Plain is what a string says, however that is written; nil where it is not sound.
func Plain(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	text, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return nil
	}
	return text
}

// Space is where the white space that begins at i ends.
func Space(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return i
}

// Blank reports whether a text is white space as JSON has it, or empty.
func Blank(text []byte) bool { return Space(text, 0) == len(text) }

// EachMember calls f with each member of an object, as far as it is one.
func EachMember(text []byte, f func(key string, raw []byte)) {
	at := Space(text, 0)
	if !Stands(text, at, '{') {
		return
	}
	for at++; ; at++ {
		key, value := MemberAt(text, Space(text, at))
		if value < 0 {
			return
		}
		if at = ValueEnd(text, value); at < 0 {
			return
		}
		f(string(Plain(key)), bytes.TrimSpace(text[value:at]))
		if text[at] != ',' {
			return
		}
	}
}

// Unquote is what a JSON string says, and reports whether it is sound, which Plain looks at only where it must.
func Unquote(quoted []byte) ([]byte, bool) {
	text, err := jsontext.AppendUnquote(nil, quoted)
	return text, err == nil
}

// Valid reports whether a text is one value in JSON, and not nested too deep.
func Valid(text []byte) bool { return CheckDepth(text) == nil && jsontext.Value(text).IsValid() }
