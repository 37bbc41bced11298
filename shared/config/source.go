package config

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parse returns the root mapping of the text, nil if there is nothing in it.
func parse(name string, text []byte) (ast.Node, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: has %d bytes, more than the %d allowed", name, len(text), maxFile)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // some editors put a byte order mark first
	if i := invalidUTF8(text); i >= 0 {
		return nil, mistake{1 + bytes.Count(text[:i], []byte("\n")), errors.New("is not UTF-8 text")}.in(name)
	}
	// Duplicate keys are ours to find: the parser would stop at the first.
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntax(err).in(name)
	}
	var root ast.Node
	seen := false
	for _, doc := range file.Docs {
		if _, directive := doc.Body.(*ast.DirectiveNode); directive {
			continue
		}
		if seen {
			return nil, mistake{docLine(doc), errors.New("starts a second document, write only one")}.in(name)
		}
		root, seen = doc.Body, true
	}
	if root == nil || root.Type() == ast.NullType {
		return nil, nil
	}
	if _, ok := mapping(root); ok {
		return root, nil
	}
	return nil, mistake{lineAt(root), fmt.Errorf(`must be lines of "key: value", got %s`, describe(root))}.in(name)
}

func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// syntax takes the line and the bare message out of the library's error, which prints a picture of the source.
func syntax(err error) mistake {
	var located interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if !errors.As(err, &located) {
		return mistake{0, err}
	}
	m := mistake{0, fmt.Errorf("is not YAML: %s", located.GetMessage())}
	if t := located.GetToken(); t != nil && t.Position != nil {
		m.line = t.Position.Line
	}
	return m
}

func docLine(doc *ast.DocumentNode) int {
	if doc.Start != nil && doc.Start.Position != nil {
		return doc.Start.Position.Line
	}
	return lineAt(doc.Body)
}

func lineAt(n ast.Node) int {
	if n == nil {
		return 0
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

// scalar returns the text of a single value as it was written, without quotes and escapes.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// describe says what stands there, for the "got" of an error.
func describe(n ast.Node) string {
	if text, ok := scalar(n); ok {
		return quote(text)
	}
	if _, ok := mapping(n); ok {
		return "a group of keys"
	}
	switch n.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.SequenceNode:
		return "a list"
	}
	return oddNode
}

// oddNode describes the parts of YAML that a configuration does not need.
const oddNode = "an anchor, alias or tag"

// mapping returns n if it is a group of keys, and not an alias of one.
func mapping(n ast.Node) (ast.MapNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n, true
	case *ast.MappingValueNode:
		return n, true
	}
	return nil, false
}

// quote quotes text for an error and cuts what is long.
func quote(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return fmt.Sprintf("%q…", string(r[:most]))
	}
	return fmt.Sprintf("%q", text)
}
