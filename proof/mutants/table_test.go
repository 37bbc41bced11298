package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every mutant can be made of the code as it is: a row that no longer fits breaks nothing.
func TestTable(t *testing.T) {
	names := map[string]bool{}
	for _, m := range table {
		if names[m.name] {
			t.Errorf("%s is there twice", m.name)
		}
		names[m.name] = true
		text, err := os.ReadFile(filepath.Join("..", "..", m.file))
		if err != nil {
			t.Error(err)
			continue
		}
		broken, err := m.apply(text)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if string(broken) == string(text) || !strings.Contains(string(broken), m.new) {
			t.Errorf("%s: changes nothing", m.name)
		}
	}
}

// What is not in a file, or twice, makes no mutant.
func TestMutant_apply(t *testing.T) {
	for text, ok := range map[string]bool{"a b": true, "b": false, "a a": false} {
		if _, err := (mutant{old: "a", new: "c"}).apply([]byte(text)); (err == nil) != ok {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestHelp_has_examples(t *testing.T) {
	if err := program().Examples(); err != nil {
		t.Error(err)
	}
}
