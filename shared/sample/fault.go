package sample

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// fault says what is wrong with a text that the library refused, so that the sender of the message can act on it.
// offset turns a place in the text into one in the message. It is a memberFault where one member of a sample is to
// blame.
func fault(err error, text []byte, offset func(int64) int64) error {
	if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return syntaxFault(se, text, offset(se.ByteOffset))
	}
	if at, ok := errors.AsType[tooDeep](err); ok {
		return fmt.Errorf("not JSON at byte %d: nested more than %d deep", offset(int64(at)), maxDepth)
	}
	if errors.Is(err, errNothing) {
		return fmt.Errorf("not JSON at byte %d: nothing, there is a comma too many", offset(int64(len(text))))
	}
	if errors.Is(err, errNotObject) {
		return notObject(bytes.TrimSpace(text))
	}
	return fmt.Errorf("not JSON: %w", err)
}

// notObject says what to write for a sample that is JSON and no object.
func notObject(text []byte) error {
	if inner, ok := insideString(text); ok {
		return fmt.Errorf("sample %s: a JSON text inside a string; send it without the quotes around it: %s",
			clip(string(text)), clip(inner))
	}
	return fmt.Errorf("sample %s: not an object, send one with name, unit and value", clip(string(text)))
}

// A memberFault is of a sample of which one member's value is not JSON.
type memberFault struct {
	reason string
	error
}

// reasonOf is what a sample is refused for that could not be read.
func reasonOf(err error) string {
	if m, ok := errors.AsType[memberFault](err); ok {
		return m.reason
	}
	return ReasonJSON
}

func syntaxFault(se *jsontext.SyntacticError, text []byte, at int64) error {
	where := clip(string(se.JSONPointer))
	i := int(se.ByteOffset)
	switch word := wordAt(text, i); {
	case isUTF16(text[:min(len(text), maxLook)]):
		return errUTF16
	case errors.Is(se.Err, jsontext.ErrDuplicateName):
		return fmt.Errorf("not JSON at byte %d: %s is there twice, send it once", at, where)
	default:
		if key, raw := badMember(text, i); key != "" {
			return unquoted(key, raw)
		}
		if notANumber(word) {
			return fmt.Errorf("not JSON at byte %d: %s is %s, which is no number; send nothing instead", at, where, word)
		}
		if hint := syntaxHint(text, i); hint != "" {
			return fmt.Errorf("not JSON at byte %d: %s", at, hint)
		}
		return fmt.Errorf("not JSON at byte %d: %w", at, se.Err)
	}
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

// unsplit says why a payload could not be split.
func unsplit(payload []byte) error {
	if err := encoded(payload); err != nil {
		return err
	}
	if err := check(payload); err != nil {
		return err
	}
	return errors.New("not JSON: its brackets do not match") // cannot be: the library knows them as well
}

// check returns nil for JSON.
func check(payload []byte) error {
	var v jsontext.Value
	err := checkDepth(payload)
	if err == nil {
		err = json.Unmarshal(payload, &v)
	}
	if err != nil {
		return fault(err, payload, func(offset int64) int64 { return offset })
	}
	return nil
}
