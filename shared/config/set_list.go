package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// SetList is SetKey for a list of single values, which it writes on the key's line: ["a", "b"]. In the place of a list
// with a line for each value goes one line; comments on lines of their own stay.
func SetList(text []byte, key string, values []string) ([]byte, error) {
	quoted := make([]string, len(values))
	meant := []string{key + "\x00["}
	for i, v := range values {
		quoted[i] = strconv.Quote(v)
		meant = append(meant, single(fmt.Sprintf("%s[%d]", key, i), v))
	}
	return setValue(text, key, []string{"[" + strings.Join(quoted, ", ") + "]"}, meant, sheet.replaceList)
}

// replaceList puts a list in the place of a list.
func (s sheet) replaceList(entry *ast.MappingValueNode, written string) ([]byte, error) {
	if entry.Value.Type() == ast.NullType {
		return s.fill(entry, written)
	}
	seq, ok := entry.Value.(*ast.SequenceNode)
	if !ok {
		return nil, fmt.Errorf("must be a list, got %s", describe(entry.Value))
	}
	if !seq.IsFlowStyle {
		return s.replaceBlock(entry, seq, written)
	}
	from, to := seq.Start.Position, seq.End.Position
	if from.Line != to.Line {
		return nil, errors.New("has a list over several lines in brackets")
	}
	return s.splice(from.Line, func(line string) (string, bool) {
		start, end := byteAt(line, from.Column-1), byteAt(line, to.Column-1)
		if start >= end || end >= len(line) || line[start] != '[' || line[end] != ']' {
			return "", false
		}
		return line[:start] + written + line[end+1:], true
	})
}

// replaceBlock takes the lines of a list away and fills the key's.
func (s sheet) replaceBlock(entry *ast.MappingValueNode, seq *ast.SequenceNode, written string) ([]byte, error) {
	lines := strings.SplitAfter(string(s.text), "\n")
	for _, v := range slices.Backward(seq.Values) {
		n := lineAt(v)
		text, ok := scalar(v)
		if !ok || strings.Contains(text, "\n") || n <= lineAt(entry.Key) || n > len(lines) ||
			!strings.HasPrefix(strings.TrimSpace(lines[n-1]), "- ") {
			return nil, errors.New("has a list of more than a single value a line")
		}
		lines = slices.Delete(lines, n-1, n)
	}
	return sheet{[]byte(strings.Join(lines, "")), s.root}.fill(entry, written)
}
