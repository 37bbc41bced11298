package reading

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxAttribute is the most bytes of an attribute.
const MaxAttribute = 128

// Attribute returns foreign text as one printable line, "" if it is none. The device tree ends its texts with a NUL.
func Attribute(text string) string {
	text, _, _ = strings.Cut(text, "\x00")
	text = strings.Join(strings.Fields(text), " ")
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	for len(text) > MaxAttribute {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
