package sample

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// badMember returns the member of a sample in whose value the place i is, and that value as it stands there, where it
// has no quotes nor brackets; "" for any other place.
func badMember(text []byte, i int) (key, raw string) {
	at := space(text, 0)
	if !stands(text, at, '{') {
		return "", ""
	}
	value := -1
	for at++; ; {
		k, v := memberAt(text, space(text, at))
		if v < 0 || v > i {
			break
		}
		key, value = string(plain(k)), v
		if at = valueEnd(text, v); !stands(text, at, ',') {
			break
		}
		at++
	}
	if value < 0 || memberReason(key) == "" {
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
		return stands(fault, 0, ',') || stands(fault, 0, '}')
	}
	first, _ := utf8.DecodeRuneInString(raw)
	return !strings.ContainsRune(quotes+"'{[/", first) && !strings.Contains(raw, "//") && !stands(fault, 0, '"') &&
		!jsontext.Value(raw).IsValid()
}

// memberReason is what a sample is refused for because of that member, "" if it is none of a sample.
func memberReason(key string) string {
	switch key {
	case "name":
		return ReasonName
	case "unit":
		return ReasonUnit
	case "value":
		return ReasonValue
	case "time", "timestamp":
		return ReasonTime
	default:
		return ""
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

// unquoted says what to write for a member's value that stands without quotes and is no JSON.
func unquoted(key, raw string) error {
	reason := memberReason(key)
	as := func(format string, args ...any) error { return memberFault{reason, fmt.Errorf(format, args...)} }
	word := strings.ToValidUTF8(raw, "\ufffd")
	switch {
	case raw == "":
		return as("%s: nothing behind the colon, the reading failed in the script; leave it out", key)
	case reason == ReasonValue:
		return as("value %s: %s", clip(raw), bareHint(word))
	case reason == ReasonTime && notANumber(raw):
		return as("%s %s: no time; leave it out", key, clip(raw))
	case reason == ReasonTime:
		return as("%s %s: not a number; %s, that in quotes", key, clip(raw), timeFix)
	default:
		return as("%s %s: without quotes; write %q: %s", key, clip(raw), key, clip(raw))
	}
}

// bareHint is valueHint for what stands without quotes.
func bareHint(raw string) string {
	hint := valueHint(raw)
	if number, ok := strings.CutPrefix(raw, "+"); ok && decimal.matches(number) {
		return fmt.Sprintf(`a plus sign before it, which JSON does not have; write "value": %s`, formatted(number))
	}
	return hint
}
