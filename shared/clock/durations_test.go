package clock_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// dated are the files in which a duration lies between dates, and why.
var dated = map[string]string{
	"agent/spool/bound.go":          "a file's age counts over restarts of the machine; only a right clock judges it",
	"agent/collect/storage/ext4.go": "the age of an error, which the kernel has dated",
	"gateway/forward/forward.go":    "the age of a datum",
	"gateway/queue/dating/hosts.go": "the age of what an earlier run of the machine took, by a clock that is right now",
	"proof/outage/pi.go":            "a tool of tests that sends at multiples of the wall clock",
}

// A duration that is taken from the wall clock is wrong when the clock is set. The ways to do that which the compiler
// lets through are looked for: a time made of a number, or stripped, has no monotonic reading.
func TestDurations_areMonotonic(t *testing.T) {
	root := filepath.Join("..", "..")
	for _, top := range []string{"agent", "gateway", "localcore", "proof", "shared"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			found, err := wallDurations(path, nil)
			if _, ok := dated[filepath.ToSlash(name)]; !ok && len(found) > 0 {
				t.Errorf("%s: measured by the wall clock; use time.Now's monotonic reading or SinceBoot, or say in this test why "+
					"dates are meant:\n%s",
					name, strings.Join(found, "\n"))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestWallDurations(t *testing.T) {
	const head = "package p\nfunc f() {\n"
	for line, want := range map[string]int{
		"x.Store(time.Now().UnixNano())":              1,
		"_ = time.Since(time.Unix(0, n))":             1,
		"_ = time.Since(t.Round(0))":                  1,
		"_ = clock.Now().Sub(last)":                   1,
		"_ = now.Sub(time.Unix(p.start, 0))":          1,
		"_ = time.Since(start)":                       0,
		"x.Store(int64(time.Since(start)))":           0,
		"_ = time.Unix(0, n).Format(time.RFC3339)":    0,
		"_ = now.Sub(last) > window || !now.IsZero()": 0,
	} {
		if got, err := wallDurations("p.go", head+line+"\n}"); err != nil || len(got) != want {
			t.Errorf("%s: got %q, %v, want %d", line, got, err, want)
		}
	}
}

// wallDurations returns the lines of a file, or of src if that is not nil, that take a duration from the wall clock.
func wallDurations(path string, src any) (found []string, err error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		bad := false
		switch on, name := callee(call); {
		case name == "Store" || name == "Swap":
			bad = contains(call.Args, "UnixNano", "UnixMicro", "UnixMilli", "Unix")
		case on == "time" && (name == "Since" || name == "Until"):
			bad = contains(call.Args, "Unix", "UnixMilli", "UnixMicro", "Round", "clock.Now")
		case name == "Sub":
			bad = contains(append(call.Args, call.Fun), "time.Unix", "time.UnixMilli", "clock.Now")
		}
		if bad {
			found = append(found, fmt.Sprint("\t", set.Position(call.Pos())))
		}
		return true
	})
	return found, nil
}

// callee returns what a method or a package's function is called on, if that is a name, and its name.
func callee(call *ast.CallExpr) (on, name string) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	if id, ok := sel.X.(*ast.Ident); ok {
		on = id.Name
	}
	return on, sel.Sel.Name
}

// contains reports whether one of these functions is called inside, NAME of anything or PACKAGE.NAME.
func contains[E ast.Expr](in []E, functions ...string) (found bool) {
	for _, e := range in {
		ast.Inspect(e, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				on, name := callee(call)
				for _, f := range functions {
					found = found || f == name || f == on+"."+name
				}
			}
			return true
		})
	}
	return found
}
