package advice

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"piway/shared/sample/scan"
)

// A place is where a text is no JSON any more.
type place struct {
	rest []byte // of the text, from there
	char rune   // that stands there
	last byte   // what stands before it, white space apart; 0 for nothing
}

const aComment = "a comment, which JSON does not have; leave it out"

// Syntax says what is wrong at a place where a text is no JSON any more, and what to write; "" if that is not known.
// where is what the member there is called.
func Syntax(text []byte, i int, where string) string {
	if word := wordAt(text, i); notANumber(word) {
		return fmt.Sprintf("%s is %s, which is no number; send nothing instead", where, word)
	}
	return syntaxHint(text, i)
}

// syntaxHint says what stands at a place where JSON has something else, and what to write; "" if that is not known.
func syntaxHint(text []byte, i int) string {
	p := place{rest: text[min(i, len(text)):]}
	p.char, _ = utf8.DecodeRune(p.rest)
	before := bytes.TrimRight(text[:len(text)-len(p.rest)], " \t\r\n")
	if len(before) > 0 {
		p.last = before[len(before)-1]
	}
	switch {
	case len(p.rest) == 0:
		return "it ends too early; what closes a bracket or a quote is missing"
	case p.char == utf8.RuneError && p.rest[0] >= utf8.RuneSelf:
		return "not UTF-8; send UTF-8, not Latin-1 or the like"
	case p.last == 0 || topLevelEnd(text, before):
		return behind(p.rest)
	}
	if hint := p.sign(); hint != "" {
		return hint
	}
	return p.order()
}

// beforeValue and beforeKey say what JSON has at the place.
func (p place) beforeValue() bool { return p.last == ':' || p.last == '[' }
func (p place) beforeKey() bool   { return p.last == '{' || p.last == ',' }

// sign is the hint for a sign that JSON has nowhere, or not so.
func (p place) sign() string {
	switch p.char {
	case '\'':
		return "single quotes; write double quotes, " + scan.Clip(strings.ReplaceAll(quotedWord(p.rest), "'", ""))
	case '/', '#':
		return aComment
	case '\\':
		if p.beforeKey() || p.beforeValue() {
			return `a backslash before the quote; send the quotes without backslashes, {"name": …}`
		}
		return `a backslash in a string that JSON does not know; write two, \\`
	case '=', ';':
		return fmt.Sprintf("%q; JSON has a colon between a name and its value, and a comma between members", p.char)
	}
	switch {
	case strings.ContainsRune(quotes[1:], p.char):
		return fmt.Sprintf("%c is a quote of typography; write plain double quotes, \"", p.char)
	case p.char < ' ':
		return fmt.Sprintf("%q, a control character, in a string; write it as an escape, such as \\n", p.char)
	default:
		return ""
	}
}

// order is the hint for what may be in JSON, but elsewhere.
func (p place) order() string {
	switch {
	case strings.ContainsRune("}]", p.char) && p.last == ',':
		return "a trailing comma; leave it out"
	case p.char == ',' && p.last != ':':
		return "a comma too many; leave it out"
	case p.beforeValue():
		return word(p.rest)
	case p.beforeKey():
		return keyHint(p.rest)
	case strings.ContainsRune("\"{", p.char):
		return "a comma is missing before it"
	default:
		return ""
	}
}

// topLevelEnd reports whether what stands before a place is a whole object or array.
func topLevelEnd(text, before []byte) bool {
	at := scan.Space(text, 0)
	if !scan.Stands(text, at, '{') && !scan.Stands(text, at, '[') {
		return false
	}
	end := scan.ValueEnd(text[:len(before)], at+1)
	for end >= 0 && text[end] == ',' {
		end = scan.ValueEnd(text[:len(before)], end+1)
	}
	return end == len(before)-1
}

// behind says what stands behind a whole text.
func behind(rest []byte) string {
	switch rest[0] {
	case '{', '[':
		return "two JSON texts without a comma between them; send one at a time, or all in an array: [{…}, {…}]"
	case '/', '#':
		return aComment
	case ',':
		return "a comma behind the text; put several samples into an array: [{…}, {…}]"
	default:
		return fmt.Sprintf("%s behind the end of the text; leave it out", scan.Clip(string(rest)))
	}
}

// word says what to write for a word that is no value.
func word(rest []byte) string {
	w := bare(rest)
	switch w {
	case "":
		return "nothing behind the colon; leave the member out"
	case "True", "TRUE", "False", "FALSE":
		return fmt.Sprintf("%s, as Python writes it; write %s", w, strings.ToLower(w))
	case "None", "undefined", "NULL", "nil":
		return w + ", which JSON does not have; write null, or leave the member out"
	default:
		return scan.Clip(w) + " without quotes, and no number; write it in double quotes"
	}
}

// quotedWord is a word in single quotes, or its start.
func quotedWord(rest []byte) string {
	rest = rest[:min(len(rest), maxBare)]
	if end := bytes.IndexByte(rest[1:], '\''); end >= 0 {
		rest = rest[:end+2]
	}
	return string(rest)
}

// keyHint says what to write for what stands in the place of a member's name.
func keyHint(rest []byte) string {
	if rest[0] == '{' || rest[0] == '[' {
		return "a bracket too many, or a member's name is missing before it"
	}
	rest = rest[:min(len(rest), maxBare)]
	if end := bytes.IndexAny(rest, ":=,}] \t\r\n\"'"); end > 0 {
		rest = rest[:end]
	}
	return "a member's name without quotes; write " + scan.Clip(string(rest))
}

// wordAt is the word of letters and signs around a place, "" where it is longer than any that is looked for.
func wordAt(text []byte, i int) string {
	const longest = len("-Infinity")
	from, to := i, i
	for from > 0 && i-from <= longest && inWord(text[from-1]) {
		from--
	}
	for to < len(text) && to-i <= longest && inWord(text[to]) {
		to++
	}
	if to-from > longest {
		return ""
	}
	return string(text[from:to])
}

func inWord(c byte) bool { return c == '-' || c == '+' || 'a' <= c|0x20 && c|0x20 <= 'z' }
