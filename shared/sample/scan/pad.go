package scan

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// byteOrderMark is what Windows writes before UTF-8. RFC 8259, 8.1: who reads JSON may ignore it.
var byteOrderMark = []byte("\ufeff")

// Unpad returns a payload of which the byte order mark and the NULs around it count as white space: programs in C send
// the end of their strings too, and DOS ended files with 0x1a. Places in the text stay what they are.
func Unpad(payload []byte) []byte {
	end := len(payload)
	for end > 0 && Blank(payload[end-1:end]) {
		end--
	}
	if end == 0 {
		return payload
	}
	last := payload[end-1]
	if first := payload[0]; first != 0 && first != byteOrderMark[0] && last != 0 && last != dosEnd {
		return payload
	}
	front := bytes.TrimLeft(payload, "\x00\ufeff")
	padded := len(payload) - len(front)
	if end = len(bytes.TrimRight(front, "\x00\x1a \t\r\n")); end == 0 {
		return nil
	}
	text := slices.Clone(payload[:padded+end])
	for i := range padded {
		text[i] = ' '
	}
	return text
}

const dosEnd = 0x1a

// Trim cuts off what nobody sees around a name, a unit or a value: white space of all kinds, NULs and characters of no
// width.
func Trim(s string) string {
	if s == "" || visible(s[0]) && visible(s[len(s)-1]) {
		return s
	}
	return strings.TrimFunc(s, unseen)
}

// Trimmed is Trim, but of what would be nothing then: that is refused as it was sent.
func Trimmed(s string) string {
	if t := Trim(s); t != "" {
		return t
	}
	return s
}

func visible(c byte) bool { return ' ' < c && c < utf8.RuneSelf }

func unseen(r rune) bool {
	switch r {
	case 0, dosEnd, '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff':
		return true
	default:
		return unicode.IsSpace(r)
	}
}

// ASCII writes digits, letters, signs and spaces as a keyboard has them: those of full width, the minus sign and the
// spaces of typography.
func ASCII(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case '\uff01' <= r && r <= '\uff5e': // the block follows ASCII
			return r - '\uff01' + '!'
		case r == '−', r == '–':
			return '-'
		case r == '’':
			return '\''
		case unicode.IsSpace(r):
			return ' '
		case unseen(r):
			return -1
		default:
			return r
		}
	}, s)
}
