package arrows_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"piway/shared/arrows"
)

func TestPiway_treeFollowsTheDrawing(t *testing.T) {
	imports, err := arrows.Scan(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	rules := arrows.Piway()
	for _, wrong := range rules.Check(imports) {
		t.Error(wrong)
	}
	for _, pkg := range rules.Unused(imports) {
		t.Errorf("package %s has a row in the table of arrows but is not in the tree, try: remove the row", pkg)
	}
}

func TestScan(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	tree := fstest.MapFS{
		"go.mod":              file("module m"),
		"a/a.go":              file("package a\n\nimport (\n\t\"fmt\"\n\tx \"m/b\"\n)\n\nvar _ = fmt.Sprint(x.X)"),
		"a/a_test.go":         file("package a_test\nimport _ `m/a`"),
		"a/windows.go":        file("//go:build windows\n\npackage a\nimport . \"m/c\""),
		"a/none.go":           file("package a"),
		"a/notes.txt":         file("import \"no\""),
		"a/testdata/x.go":     file("package x\nimport \"no\""),
		"a/.hidden/x.go":      file("package x\nimport \"no\""),
		"a/_old/x.go":         file("package x\nimport \"no\""),
		"tools/go.mod":        file("module tools"),
		"tools/deep/tools.go": file("package tools\nimport \"no\""),
	}
	got, err := arrows.Scan(tree)
	if err != nil {
		t.Fatal(err)
	}
	want := []arrows.Import{
		{File: "a/a.go", Path: "fmt"},
		{File: "a/a.go", Path: "m/b"},
		{File: "a/a_test.go", Path: "m/a"},
		{File: "a/windows.go", Path: "m/c"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("imports (-want +got):\n%s", diff)
	}
}

func TestScan_brokenFileIsNamed(t *testing.T) {
	_, err := arrows.Scan(fstest.MapFS{"a/bad.go": {Data: []byte("package a\nimport 7")}})
	if err == nil || !strings.Contains(err.Error(), "a/bad.go") {
		t.Errorf("got error %v, want one that names a/bad.go", err)
	}
}

// made is a drawing made up for the tests: two stages, their wiring, and a shared leaf.
func made() arrows.Rules {
	return arrows.Rules{
		Module: "m",
		Inside: map[string][]string{
			"app":         {"app/*", "shared/leaf"},
			"app/in":      {"shared/leaf"},
			"app/in_test": {"app/bench"},
			"app/out":     {},
			"shared/leaf": {},
		},
		Libraries: map[string][]string{
			"example.com/db":    {"app/out", "app_test"},
			"example.com/group": {"..."},
		},
		InsideTests:   []string{"shared/fake"},
		TestLibraries: []string{"example.com/cmp"},
	}
}

func TestRules_Check(t *testing.T) {
	tests := []struct {
		name, file, path string
		want             string // part of the refusal; "" = allowed
	}{
		{"standard library", "app/in/in.go", "net/http", ""},
		{"wiring to stage", "app/app.go", "m/app/in", ""},
		{"stage to leaf", "app/in/in.go", "m/shared/leaf", ""},
		{"stage to neighbour", "app/in/in.go", "m/app/out", "no arrow goes from app/in to app/out"},
		{"stage to its wiring", "app/in/in.go", "m/app", "no arrow"},
		{"leaf to stage", "shared/leaf/leaf.go", "m/app/in", "no arrow"},
		{"a star is one level", "app/app.go", "m/app/in/deep", "no arrow"},
		{"package without a row", "app/new/new.go", "m/shared/leaf", "no row"},
		{"module with a like name", "app/in/in.go", "mm/x.y", ""},
		{"test of its own package", "app/in/in_test.go", "m/app/in", ""},
		{"test by its package's row", "app/in/in_test.go", "m/shared/leaf", ""},
		{"test by its own row", "app/in/in_test.go", "m/app/bench", ""},
		{"test by another's row", "app/out/out_test.go", "m/app/bench", "no arrow"},
		{"product code by its tests' row", "app/in/in.go", "m/app/bench", "no arrow"},
		{"test to what any test may import", "app/out/out_test.go", "m/shared/fake", ""},
		{"product code to what any test may import", "app/out/out.go", "m/shared/fake", "no arrow"},
		{"test to neighbour", "app/in/in_test.go", "m/app/out", "no arrow"},
		{"library at home", "app/out/out.go", "example.com/db", ""},
		{"library's inner package at home", "app/out/out.go", "example.com/db/sql", ""},
		{"library elsewhere", "app/in/in.go", "example.com/db/sql", "example.com/db belongs to app/out"},
		{"library by the tests' row", "app/app_test.go", "example.com/db", ""},
		{"library by its tests' row in product code", "app/app.go", "example.com/db", "belongs to"},
		{"library elsewhere in a test", "app/in/in_test.go", "example.com/db", "belongs to"},
		{"library with a like name", "app/out/out.go", "example.com/db2", "no row"},
		{"unknown library", "app/out/out.go", "example.com/other", "no row"},
		{"library for all", "shared/leaf/leaf.go", "example.com/group", ""},
		{"test library in a test", "shared/leaf/leaf_test.go", "example.com/cmp/opts", ""},
		{"test library in product code", "shared/leaf/leaf.go", "example.com/cmp", "tests only"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := made().Check([]arrows.Import{{File: tt.file, Path: tt.path}})
			if tt.want == "" {
				if len(got) != 0 {
					t.Errorf("%s -> %s: got %q, want it allowed", tt.file, tt.path, got)
				}
				return
			}
			if len(got) != 1 || !strings.Contains(got[0], tt.want) || !strings.HasPrefix(got[0], tt.file) {
				t.Errorf("%s -> %s: got %q, want one refusal by the file with %q", tt.file, tt.path, got, tt.want)
			}
		})
	}
}

func TestRules_Unused(t *testing.T) {
	got := made().Unused([]arrows.Import{
		{File: "app/app.go", Path: "fmt"},
		{File: "app/app.go", Path: "m/app/in"},
		{File: "app/in/in.go", Path: "m/shared/leaf"},
	})
	if diff := cmp.Diff([]string{"app/out"}, got); diff != "" {
		t.Errorf("unused rows (-want +got):\n%s", diff)
	}
}
