package advice

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"piway/shared/sample/scan"
)

// BadMember returns the member of a sample in whose value the place i is, and that value as it stands there, where it
// has no quotes nor brackets; "" for any other place.
func BadMember(text []byte, i int) (key, raw string) {
	at := scan.Space(text, 0)
	if !scan.Stands(text, at, '{') {
		return "", ""
	}
	value := -1
	for at++; ; {
		k, v := scan.MemberAt(text, scan.Space(text, at))
		if v < 0 || v > i {
			break
		}
		key, value = string(scan.Plain(k)), v
		if at = scan.ValueEnd(text, v); !scan.Stands(text, at, ',') {
			break
		}
		at++
	}
	if value < 0 || !isMember(key) {
		return "", ""
	}
	raw = bare(text[value:])
	if i > value+len(raw) || !isBare(raw, text[min(i, len(text)):]) {
		return "", ""
	}
	return key, raw
}

// isBare reports whether a value is one without quotes that is no JSON, by what stands at the fault: a sound one is not
// to blame, nor is one that a quote, a bracket or a comment begins, or what is cut off.
func isBare(raw string, fault []byte) bool {
	if raw == "" {
		return scan.Stands(fault, 0, ',') || scan.Stands(fault, 0, '}')
	}
	first, _ := utf8.DecodeRuneInString(raw)
	return !strings.ContainsRune(quotes+"'{[/", first) && !strings.Contains(raw, "//") && !scan.Stands(fault, 0, '"') &&
		!scan.Valid([]byte(raw))
}

// isMember reports whether a sample has a member of that name.
func isMember(key string) bool {
	switch key {
	case "name", "unit", "value", "time", "timestamp":
		return true
	default:
		return false
	}
}

// quotes are those of typography, and the double one.
const quotes = "\"“”„‟‘’«»″`"

// maxBare is the most that is looked at of a value without quotes.
const maxBare = 200

// bare is a value without quotes at the start of a text, such as 45,2 or NaN or 12 %: up to what begins a member or
// ends the object.
func bare(text []byte) string {
	text = text[:min(len(text), maxBare)]
	end := 0
	for end < len(text) && !endsBare(text[end:]) {
		end++
	}
	return string(bytes.TrimRight(text[:end], " \t"))
}

func endsBare(text []byte) bool {
	inNumber := len(text) > 1 && '0' <= text[1] && text[1] <= '9'
	return strings.IndexByte("{}]\";\r\n", text[0]) >= 0 || text[0] == ',' && !inNumber
}

// Unquoted says what to write for a member's value that stands without quotes and is no JSON.
func Unquoted(key, raw string) error {
	word := strings.ToValidUTF8(raw, "\ufffd")
	isTime := key == "time" || key == "timestamp"
	switch {
	case raw == "":
		return fmt.Errorf("%s: nothing behind the colon, the reading failed in the script; leave it out", key)
	case key == "value":
		return fmt.Errorf("value %s: %s", scan.Clip(raw), bareHint(word))
	case isTime && notANumber(raw):
		return fmt.Errorf("%s %s: no time; leave it out", key, scan.Clip(raw))
	case isTime:
		return fmt.Errorf("%s %s: not a number; %s, that in quotes", key, scan.Clip(raw), TimeFix)
	default:
		return fmt.Errorf("%s %s: without quotes; write %q: %s", key, scan.Clip(raw), key, scan.Clip(raw))
	}
}

// bareHint is Value for what stands without quotes.
func bareHint(raw string) string {
	hint := Value(raw)
	if number, ok := strings.CutPrefix(raw, "+"); ok && decimal.Matches(number) {
		return fmt.Sprintf(`a plus sign before it, which JSON does not have; write "value": %s`, formatted(number))
	}
	return hint
}
