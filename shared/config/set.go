package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// SetKey returns the YAML text with one key set to a single value, and everything else, comments and order and
// indentation, as it was. The key is dotted ("uplink.form"). One that is not there is put under its section, a section
// that is not there at the end. An empty text is a file with nothing in it.
//
// Before it returns, the result is read again: the key has the value, and no other key has changed. What cannot be
// changed so, such as a value over several lines, is an error, and the text must be changed by hand.
func SetKey(text []byte, key, value string) ([]byte, error) {
	return setValue(text, key, spellings(value), []string{single(key, value)}, sheet.replace)
}

// setValue writes the first of the spellings that reads as what is meant, which is the lines that flatten gives of the key.
// In the place of what is there replace puts it.
func setValue(text []byte, key string, spellings, meant []string, replace replacer) ([]byte, error) {
	root, err := parse("text", text)
	if err != nil {
		return nil, err
	}
	names := strings.Split(key, ".")
	before := flatten("", root)
	why := errors.New("is written in a form that a program cannot change safely")
	for _, written := range spellings {
		changed, err := place(sheet{text, root}, names, written, replace)
		if err != nil {
			why = err
			break
		}
		if same(before, changed, key, meant) {
			return changed, nil
		}
	}
	return nil, Try(Errorf(key, "%w", why), fmt.Sprintf("write it by hand: %s: %s", key, spellings[0]))
}

// A replacer puts a value in the place of the one of an entry.
type replacer func(s sheet, entry *ast.MappingValueNode, written string) ([]byte, error)

// spellings are the ways to write a value, the plainest first.
func spellings(value string) []string {
	var all []string
	if plainValue.MatchString(value) && !strings.EqualFold(value, "null") {
		all = append(all, value)
	}
	if !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }) {
		all = append(all, "'"+strings.ReplaceAll(value, "'", "''")+"'")
	}
	return append(all, strconv.Quote(value))
}

// plainValue needs no quotes wherever it stands.
var plainValue = regexp.MustCompile(`^[A-Za-z0-9_/.][A-Za-z0-9_/.-]*(:[0-9]+)?$`)

// A sheet is a text and what it parses to.
type sheet struct {
	text []byte
	root ast.Node
}

// place writes the value at its place.
func place(s sheet, names []string, written string, replace replacer) ([]byte, error) {
	n, section := s.root, 0
	for i, name := range names {
		if n == nil {
			return s.add(names, written), nil
		}
		m, ok := mapping(n)
		if !ok {
			return nil, fmt.Errorf("%s is not a group of keys, got %s", strings.Join(names[:i], "."), describe(n))
		}
		entry, err := only(m, name)
		switch {
		case err != nil:
			return nil, err
		case entry == nil && i == 0:
			return s.add(names, written), nil
		case entry == nil:
			return s.insert(section, m, names[i:], written)
		case i == len(names)-1:
			return replace(s, entry, written)
		case entry.Value.Type() == ast.NullType:
			return s.under(entry, names[i+1:], written), nil
		}
		n, section = entry.Value, lineAt(entry.Key)
	}
	return nil, errors.New("has no name")
}

// only returns the entry of the name, nil if there is none.
func only(m ast.MapNode, name string) (*ast.MappingValueNode, error) {
	var found *ast.MappingValueNode
	for it := m.MapRange(); it.Next(); {
		if keyText(it.Key()) != name {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("is there twice, on lines %d and %d", lineAt(found.Key), lineAt(it.Key()))
		}
		found = it.KeyValue()
	}
	return found, nil
}

// replace puts the value in the place of a single value, which may be none.
func (s sheet) replace(entry *ast.MappingValueNode, written string) ([]byte, error) {
	if entry.Value.Type() == ast.NullType {
		return s.fill(entry, written)
	}
	value, ok := scalar(entry.Value)
	if !ok {
		return nil, fmt.Errorf("must be a single value, got %s", describe(entry.Value))
	}
	column := entry.Value.GetToken().Position.Column - 1
	return s.splice(lineAt(entry.Value), func(line string) (string, bool) {
		at := byteAt(line, column)
		end, ok := valueEnd(line, at, value)
		if !ok {
			return "", false
		}
		return line[:at] + written + line[end:], true
	})
}

// fill puts the value behind a key that has none on its line.
func (s sheet) fill(entry *ast.MappingValueNode, written string) ([]byte, error) {
	return s.splice(lineAt(entry.Key), func(line string) (string, bool) {
		head, tail, ok := strings.Cut(line, ":")
		tail = strings.TrimPrefix(strings.TrimLeft(tail, " \t"), "~")
		return head + ": " + written + gap(tail) + tail, ok
	})
}

func gap(tail string) string {
	if tail == "" || tail == "\r" {
		return ""
	}
	return " "
}

// byteAt is where the n-th character of a line begins.
func byteAt(line string, n int) int {
	for i := range line {
		if n == 0 {
			return i
		}
		n--
	}
	return len(line)
}

// valueEnd finds where the value that begins at the given byte of a line ends, on the same line.
func valueEnd(line string, at int, value string) (end int, ok bool) {
	if at >= len(line) {
		return 0, false
	}
	rest := line[at:]
	switch rest[0] {
	case '\'':
		if m := singleQuoted.FindString(rest); m != "" {
			return at + len(m), true
		}
		return 0, false
	case '"':
		if m := doubleQuoted.FindString(rest); m != "" {
			return at + len(m), true
		}
		return 0, false
	case '|', '>', '&', '*', '!', '{', '[':
		return 0, false
	}
	if !strings.HasPrefix(rest, value) {
		return 0, false // goes on in the next line
	}
	return at + len(value), true
}

var (
	singleQuoted = regexp.MustCompile(`^'(''|[^'])*'`)
	doubleQuoted = regexp.MustCompile(`^"(\\.|[^"\\])*"`)
)

// splice changes one line.
func (s sheet) splice(number int, change func(string) (string, bool)) ([]byte, error) {
	lines := strings.SplitAfter(string(s.text), "\n")
	if number < 1 || number > len(lines) {
		return nil, errors.New("has no line of its own")
	}
	line := strings.TrimSuffix(lines[number-1], "\n")
	changed, ok := change(line)
	if !ok {
		return nil, errors.New("has a value over several lines, or with an anchor or tag")
	}
	lines[number-1] = changed + lines[number-1][len(line):]
	return []byte(strings.Join(lines, "")), nil
}

// insert puts keys into a group that has some: below the section's own line, so that comments stay with what they are
// about, or after the brace.
func (s sheet) insert(section int, m ast.MapNode, names []string, written string) ([]byte, error) {
	it := m.MapRange()
	if !it.Next() {
		return nil, errors.New("its section is empty braces")
	}
	first := it.Key().GetToken().Position
	if flow, ok := m.(*ast.MappingNode); ok && flow.IsFlowStyle {
		if len(names) > 1 {
			return nil, errors.New("its section is in braces")
		}
		return s.splice(first.Line, func(line string) (string, bool) {
			at := byteAt(line, first.Column-1)
			return line[:at] + names[0] + ": " + written + ", " + line[at:], true
		})
	}
	return s.lines(section+1, nested(names, written, first.Column-1)), nil
}

// under puts keys under a section that has nothing.
func (s sheet) under(entry *ast.MappingValueNode, names []string, written string) []byte {
	indent := entry.Key.GetToken().Position.Column - 1 + step
	return s.lines(lineAt(entry.Key)+1, nested(names, written, indent))
}

// step is how far a section is set in.
const step = 2

func nested(names []string, written string, indent int) []string {
	lines := make([]string, len(names))
	for i, name := range names {
		lines[i] = strings.Repeat(" ", indent+i*step) + name + ":"
	}
	lines[len(lines)-1] += " " + written
	return lines
}

// add puts a new section at the end.
func (s sheet) add(names []string, written string) []byte {
	text := s.text
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(slices.Clip(text), s.newline()...)
	}
	s.text = text
	return s.lines(1+bytes.Count(text, []byte("\n")), nested(names, written, 0))
}

// lines puts lines in before the given one.
func (s sheet) lines(number int, more []string) []byte {
	all := strings.SplitAfter(string(s.text), "\n")
	number = min(number, len(all))
	if last := all[number-1]; number > 1 && !strings.HasSuffix(all[number-2], "\n") && last != "" {
		all[number-2] += s.newline()
	}
	for i := range more {
		more[i] += s.newline()
	}
	return []byte(strings.Join(slices.Insert(all, number-1, more...), ""))
}

// newline is how the text's lines end.
func (s sheet) newline() string {
	if bytes.Contains(s.text, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}
