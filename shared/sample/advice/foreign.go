package advice

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"piway/shared/sample/scan"
)

// maxLook is how much of a text is looked at to tell what it is.
const maxLook = 512

// Payload says what a payload looks like that is neither an object nor an array in JSON, and what to send.
func Payload(payload []byte) error {
	text := bytes.TrimSpace(payload)
	switch {
	case len(payload) == 0:
		return fmt.Errorf("empty payload, send a JSON object such as %s", example)
	case len(text) == 0:
		return fmt.Errorf("payload %s: nothing but white space, send a JSON object such as %s", scan.Clip(string(payload)),
			example)
	}
	if err := Encoded(text); err != nil {
		return err
	}
	if inner, ok := insideString(text); ok {
		return fmt.Errorf("payload %s: a JSON text inside a string; send it without the quotes around it: %s",
			scan.Clip(string(text)), scan.Clip(inner))
	}
	if scan.Valid(text) {
		return fmt.Errorf("payload %s: not a JSON object or array; send %s", scan.Clip(string(text)),
			reworded("", string(text)))
	}
	return fmt.Errorf("not JSON at byte 0: %s %s", scan.Clip(string(text)), lookalike(head(text)))
}

// head is what is looked at of a text.
func head(text []byte) string { return strings.ToValidUTF8(string(text[:min(len(text), maxLook)]), "") }

// reworded is the sample to send for a number, by the name that it has.
func reworded(name, number string) string {
	n := formatted(scan.Trim(strings.Trim(number, `"`)))
	switch {
	case n == "":
		return "an object such as " + example
	case name == "":
		name = "NAME"
	}
	return pair{name: name, number: n}.sample()
}

// NotObject says what to write for a sample that is JSON and no object.
func NotObject(text []byte) error {
	if inner, ok := insideString(text); ok {
		return fmt.Errorf("sample %s: a JSON text inside a string; send it without the quotes around it: %s",
			scan.Clip(string(text)), scan.Clip(inner))
	}
	return fmt.Errorf("sample %s: not an object, send one with name, unit and value", scan.Clip(string(text)))
}

// insideString returns the JSON text that a JSON string holds, however often it was put into one.
func insideString(text []byte) (inner string, ok bool) {
	for range maxLayers {
		if !scan.Stands(text, 0, '"') {
			break
		}
		s, sound := scan.Unquote(text)
		if !sound {
			return "", false
		}
		if text = bytes.TrimSpace(s); scan.Stands(text, 0, '{') || scan.Stands(text, 0, '[') {
			return string(text), true
		}
	}
	return "", false
}

// maxLayers is how many strings around a text are looked through.
const maxLayers = 4

// compressed are how texts begin that zip, zstd, bzip2 and zlib made.
var compressed = []string{"PK\x03\x04", "\x28\xb5\x2f\xfd", "BZh", "\x78\x9c", "\x78\xda"}

// Encoded says of a payload that its text is in another encoding than UTF-8, or none; nil if it is not.
func Encoded(text []byte) error {
	is := func(what, fix string) error {
		return fmt.Errorf("not JSON: the payload is %s; %s", what, fix)
	}
	switch first := text[:min(len(text), maxLook)]; {
	case bytes.HasPrefix(first, []byte("\x1f\x8b")):
		return is("compressed by gzip", "send the JSON text itself")
	case slices.ContainsFunc(compressed, func(magic string) bool { return bytes.HasPrefix(first, []byte(magic)) }):
		return is("compressed", "send the JSON text itself")
	case isUTF16(first):
		return errUTF16
	case bytes.IndexByte(first, 0) >= 0 && !jsonLike(first):
		return is("binary, with NULs in it", "send JSON text, such as "+example)
	case !utf8.Valid(text) && !jsonLike(first):
		return is("neither UTF-8 nor JSON", "send JSON text, such as "+example)
	default:
		return nil
	}
}

// UTF16 is an error for a text in that encoding, nil for any other.
func UTF16(text []byte) error {
	if isUTF16(text[:min(len(text), maxLook)]) {
		return errUTF16
	}
	return nil
}

var errUTF16 = errors.New("not JSON: the payload is in UTF-16; send it in UTF-8 (-Encoding utf8 in PowerShell)")

func jsonLike(text []byte) bool {
	at := scan.Space(text, 0)
	return scan.Stands(text, at, '{') || scan.Stands(text, at, '[')
}

// marks are those of UTF-16 and of UTF-32.
var marks = []string{"\xff\xfe", "\xfe\xff", "\x00\x00\xfe\xff"}

// isUTF16 reports whether a text is in UTF-16, or 32: by its mark, or since there is a NUL beside each letter.
func isUTF16(text []byte) bool {
	if slices.ContainsFunc(marks, func(mark string) bool { return bytes.HasPrefix(text, []byte(mark)) }) {
		return true
	}
	nuls := 0
	for i, c := range text {
		if c != 0 {
			continue
		}
		nuls++
		if i > 0 && i+1 < len(text) && !isText(text[i-1]) && !isText(text[i+1]) {
			return false
		}
	}
	return len(text) > 2 && 3*nuls > len(text)
}

func isText(c byte) bool {
	return ' ' <= c && c <= '~' || c >= utf8.RuneSelf || c == '\n' || c == '\r' || c == '\t'
}
