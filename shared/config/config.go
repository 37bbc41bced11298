// Package config reads a YAML file onto a struct of defaults. Its one promise: a file with any mistake in it is
// refused, and all its mistakes are told at once, each with its line and its fix.
//
// The struct decides how a value is read, not YAML: only fields with a yaml tag are keys, `window: 60` is refused
// where a duration is meant, and `site: 0123` is the text 0123 where a text is meant. Fields may be texts, bools,
// integers, floats, time.Duration, Size, any other encoding.TextUnmarshaler, structs of these, and slices of all these.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
)

// maxFile bounds a file: the parser's time grows with the square of the length, and its stack with the nesting.
const maxFile = 128 << 10

// Load decodes the file at path onto into, as Decode does. If into has a method Absent() string, that is what can be
// done where there is no file.
func Load(path string, into any) error {
	text, err := readFile(path, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		if a, ok := into.(interface{ Absent() string }); ok {
			return NotSetUp(Try(err, a.Absent()))
		}
		return NotSetUp(Try(err, "name another file with --config"))
	}
	if err != nil {
		return err
	}
	return Decode(path, text, into)
}

// Decode reads YAML text onto into, a pointer to a struct that holds the defaults: a key that is absent keeps its
// default, a list replaces the default list, an empty text changes nothing. Then, if into has a method
// Validate() error, it is called, and what it joined with errors.Join is told as separate mistakes.
//
// The error joins every mistake, in the order of the lines, as "NAME:LINE: KEY: what is wrong".
// After an error into is partly filled and must not be used.
func Decode(name string, text []byte, into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: decoding into %T, which is no pointer to a struct", into))
	}
	root, err := parse(name, text)
	if err != nil {
		return err
	}
	d := decoder{
		text: strings.TrimPrefix(string(text), bom), types: fieldsOf(v.Type().Elem()), lines: map[string]int{}, bad: map[string]bool{},
	}
	if root != nil {
		d.group("", 0, root, v.Elem())
	}
	if c, ok := into.(interface{ Validate() error }); ok {
		d.validated(c.Validate())
	}
	return d.joined(name)
}

// A mistake is one error and the line it stands on, 0 if the file has no such line.
type mistake struct {
	line int
	err  error
}

func (m mistake) in(name string) error {
	if m.line == 0 {
		return fmt.Errorf("%s: %w", name, m.err)
	}
	return fmt.Errorf("%s:%d: %w", name, m.line, m.err)
}

// joined returns all mistakes in the order of their lines, those without a line last.
func (d *decoder) joined(name string) error {
	slices.SortStableFunc(d.mistakes, func(a, b mistake) int {
		if (a.line == 0) != (b.line == 0) {
			return b.line - a.line
		}
		return a.line - b.line
	})
	errs := make([]error, len(d.mistakes))
	for i, m := range d.mistakes {
		errs[i] = d.lookalike(m).in(name)
	}
	return errors.Join(errs...)
}

// lookalike adds to a mistake on a line with characters that only look like YAML's how it is to be written.
func (d *decoder) lookalike(m mistake) mistake {
	lines := strings.Split(d.text, "\n")
	if m.line < 1 || m.line > len(lines) {
		return m
	}
	if r := alike(lines[m.line-1]); r != nil {
		r.line = m.line
		m.err = Try(m.err, r.hint())
	}
	return m
}

// validated takes over what Validate found, but not what it says of a value that could not be read at all.
func (d *decoder) validated(err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			d.validated(e)
		}
		return
	}
	k, ok := errors.AsType[*keyError](err)
	if !ok {
		d.mistakes = append(d.mistakes, mistake{0, err})
		return
	}
	if !d.unread(k.key) {
		d.mistakes = append(d.mistakes, mistake{d.lineOf(k.key), err})
	}
}
