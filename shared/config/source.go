package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// bom is what some editors put first.
const bom = "\ufeff"

// parse returns the root mapping of the text, nil if there is nothing in it.
func parse(name string, text []byte) (ast.Node, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: has %d bytes, more than the %d allowed", name, len(text), maxFile)
	}
	text = bytes.TrimPrefix(text, []byte(bom))
	if i := invalidUTF8(text); i >= 0 {
		return nil, mistake{1 + bytes.Count(text[:i], []byte("\n")), notUTF8(text, i)}.in(name)
	}
	// Duplicate keys are ours to find: the parser would stop at the first.
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, unread(string(text), err).in(name)
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
	err = fmt.Errorf(`must be lines of "key: value", got %s`, describe(root))
	return nil, mistake{lineAt(root), meant(string(text), lineAt(root), err)}.in(name)
}

// unread is the mistake of a text that the parser does not take, on the line that is to be changed if that is known.
func unread(text string, err error) mistake {
	m := syntax(err)
	if r := findRepair(text); r != nil {
		return mistake{r.line, Try(fmt.Errorf("%s", r.why), r.hint())}
	}
	lines := strings.Split(text, "\n")
	if m.line < 1 || m.line > len(lines) {
		return m
	}
	m.err = fmt.Errorf("%w: %s", m.err, quote(strings.TrimSpace(lines[m.line-1])))
	return m
}

// meant adds to an error about one value, that of the line, how the line was probably meant.
func meant(text string, line int, err error) error {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return err
	}
	r := rewritten(lines[line-1])
	if r == nil {
		return err
	}
	r.line, lines[line-1] = line, r.text
	if faultLine(strings.Join(lines, "\n")) != 0 {
		return err
	}
	return Try(err, r.hint())
}

// notUTF8 says what a text is that is none, and shows what is before the byte at i.
func notUTF8(text []byte, i int) error {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return Try(errors.New("is UTF-16 text"), "the editor's \"save as\", with UTF-8 as the encoding")
	}
	begin := 1 + bytes.LastIndexByte(text[:i], '\n')
	return Try(fmt.Errorf("is not UTF-8 text, behind %s", quote(string(text[begin:i]))),
		"this line written anew, in an editor that saves UTF-8")
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

// maxShown is how many characters of a file an error shows.
const maxShown = 60

// quote quotes text for an error and cuts what is long.
func quote(text string) string {
	if r := []rune(text); len(r) > maxShown {
		return fmt.Sprintf("%q…", string(r[:maxShown]))
	}
	return fmt.Sprintf("%q", text)
}
