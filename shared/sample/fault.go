package sample

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"piway/shared/sample/advice"
	"piway/shared/sample/scan"
)

// fault says what is wrong with a text that the library refused, so that the sender of the message can act on it.
// offset turns a place in the text into one in the message. It is a memberFault where one member of a sample is to
// blame.
func fault(err error, text []byte, offset func(int64) int64) error {
	if se, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return syntaxFault(se, text, offset(se.ByteOffset))
	}
	if at, ok := errors.AsType[scan.TooDeep](err); ok {
		return fmt.Errorf("not JSON at byte %d: nested more than %d deep", offset(int64(at)), scan.MaxDepth)
	}
	if errors.Is(err, errNothing) {
		return fmt.Errorf("not JSON at byte %d: nothing, there is a comma too many", offset(int64(len(text))))
	}
	if errors.Is(err, errNotObject) {
		return advice.NotObject(bytes.TrimSpace(text))
	}
	return fmt.Errorf("not JSON: %w", err)
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

func syntaxFault(se *jsontext.SyntacticError, text []byte, at int64) error {
	i, where := int(se.ByteOffset), scan.Clip(string(se.JSONPointer))
	if err := advice.UTF16(text); err != nil {
		return err
	}
	if errors.Is(se.Err, jsontext.ErrDuplicateName) {
		return fmt.Errorf("not JSON at byte %d: %s is there twice, send it once", at, where)
	}
	if key, raw := advice.BadMember(text, i); key != "" {
		return memberFault{memberReason(key), advice.Unquoted(key, raw)}
	}
	if hint := advice.Syntax(text, i, where); hint != "" {
		return fmt.Errorf("not JSON at byte %d: %s", at, hint)
	}
	return fmt.Errorf("not JSON at byte %d: %w", at, se.Err)
}

// unsplit says why a payload could not be split.
func unsplit(payload []byte) error {
	if err := advice.Encoded(payload); err != nil {
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
	err := scan.CheckDepth(payload)
	if err == nil {
		err = json.Unmarshal(payload, &v)
	}
	if err != nil {
		return fault(err, payload, func(offset int64) int64 { return offset })
	}
	return nil
}
