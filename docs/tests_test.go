package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	claimed = regexp.MustCompile(`\bTest[A-Z]\w*`)
	place   = regexp.MustCompile("`((?:agent|gateway|localcore|proof|shared)(?:/[a-z0-9]+)*)`\\s+$")
)

// What security.md says that others cannot do names the tests that hold it, behind the package that they are in.
func TestSecurity_namesTests(t *testing.T) {
	text, err := os.ReadFile("security.md")
	if err != nil {
		t.Fatal(err)
	}
	dir, from := "", 0
	for _, at := range claimed.FindAllIndex(text, -1) {
		if m := place.FindSubmatch(text[from:at[0]]); m != nil {
			dir = string(m[1])
		}
		from = at[1]
		if name := string(text[at[0]:at[1]]); !hasTest(t, dir, name) {
			t.Errorf("security.md: no test %s in %s", name, dir)
		}
	}
	if from == 0 {
		t.Error("security.md names no test")
	}
}

func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "func "+name+"(") {
			return true
		}
	}
	return false
}
