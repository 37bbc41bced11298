package config

import (
	"errors"
	"fmt"
)

// Errorf makes an error of Validate about one key, written as in the file with dots ("uplink.window",
// "rollup.rules[0].match", the first entry being 0). Its text is "KEY: " and the format; %w works as in fmt.Errorf.
// Load and Decode put the key's file and line in front.
func Errorf(key, format string, args ...any) error {
	return &keyError{key, fmt.Errorf(format, args...)}
}

type keyError struct {
	key string
	err error
}

func (e *keyError) Error() string { return e.key + ": " + e.err.Error() }
func (e *keyError) Unwrap() error { return e.err }

// Try adds to err what the user can do about it. The text becomes "ERR, try: HINT". It returns nil for a nil err.
func Try(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &tryError{err, hint}
}

// Hint returns the outermost hint that Try put into err, "" if there is none.
func Hint(err error) string {
	if t, ok := errors.AsType[*tryError](err); ok {
		return t.hint
	}
	return ""
}

// NotSetUp marks err, whose text stays, as that of a program which a person has yet to set up: starting it again helps
// nobody. A file that is there and has a mistake is no such case. It returns nil for a nil err.
func NotSetUp(err error) error {
	if err == nil {
		return nil
	}
	return &notSetUpError{err}
}

// IsNotSetUp reports whether NotSetUp has marked err, or an error in it.
func IsNotSetUp(err error) bool {
	_, ok := errors.AsType[*notSetUpError](err)
	return ok
}

type notSetUpError struct{ error }

func (e *notSetUpError) Unwrap() error { return e.error }

type tryError struct {
	err  error
	hint string
}

func (e *tryError) Error() string { return e.err.Error() + ", try: " + e.hint }
func (e *tryError) Unwrap() error { return e.err }
