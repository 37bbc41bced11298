// Package spoken is for tests: it finds the sentences in a program's source that speak of a program. Its one promise: a
// text that stands in the source in one piece, or as a sum of pieces, is one sentence.
package spoken

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// A Sentence is a text of the source, and where it stands.
type Sentence struct {
	At   string
	Text string
}

// unknown stands for what the source does not say.
const unknown = "NAME"

// In returns the sentences of the Go files below dir, without tests, that hold name.
func In(dir, name string) (all []Sentence, err error) {
	set := token.NewFileSet()
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		each(file, func(n ast.Node, text string) {
			if strings.Contains(text, name) {
				all = append(all, Sentence{set.Position(n.Pos()).String(), text})
			}
		})
		return nil
	})
	return all, err
}

// each calls f with every text of a file that is neither a path nor a tag.
func each(file *ast.File, f func(ast.Node, string)) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec, *ast.Field:
			return !isTagged(n)
		case ast.Expr:
			text, ok := textOf(n)
			if ok {
				f(n, text)
			}
			return !ok
		}
		return true
	})
}

func isTagged(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ImportSpec:
		return true
	case *ast.Field:
		return n.Tag != nil
	}
	return false
}

// textOf returns a text, or a sum with one in it.
func textOf(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.ParenExpr:
		return textOf(e.X)
	case *ast.BinaryExpr:
		left, lok := textOf(e.X)
		right, rok := textOf(e.Y)
		if e.Op != token.ADD || !lok && !rok {
			return "", false
		}
		if !lok {
			left = unknown
		}
		if !rok {
			right = unknown
		}
		return left + right, true
	}
	return "", false
}
