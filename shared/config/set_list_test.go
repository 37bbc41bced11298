package config_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/shared/config"
)

func TestSetList(t *testing.T) {
	two := []string{"a:1", "[::1]:2"}
	for _, c := range []struct {
		name, text, key string
		values          []string
		want            string
	}{
		{"replaced", "b: 1\ng:\n  l: [] # none\n  c: 2\n", "g.l", two, "b: 1\ng:\n  l: [\"a:1\", \"[::1]:2\"] # none\n  c: 2\n"},
		{"longer before", "l: [x, 'y]', \"z\"] # c\nm: [1]\n", "l", []string{"x"}, "l: [\"x\"] # c\nm: [1]\n"},
		{"emptied", "l: [x]\n", "l", nil, "l: []\n"},
		{"no value", "g:\n  l: # why\n  m: 1\n", "g.l", two[:1], "g:\n  l: [\"a:1\"] # why\n  m: 1\n"},
		{"not there", "g:\n  m: 1\n", "g.l", two[:1], "g:\n  l: [\"a:1\"]\n  m: 1\n"},
		{"no section", "# top\n", "g.l", two[:1], "# top\ng:\n  l: [\"a:1\"]\n"},
		{
			"a line for each", "g:\n  l: # c\n    - x\n    # about y\n    - 'y' # b\n  m: 1\n", "g.l", two[:1],
			"g:\n  l: [\"a:1\"] # c\n    # about y\n  m: 1\n",
		},
		{"in braces", "g: {l: [x], m: 1}\n", "g.l", two[:1], "g: {l: [\"a:1\"], m: 1}\n"},
		{"lines of DOS", "g:\r\n  l: [x]\r\n", "g.l", two[:1], "g:\r\n  l: [\"a:1\"]\r\n"},
	} {
		got, err := config.SetList([]byte(c.text), c.key, c.values)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	for text, want := range map[string]string{
		"l: x\n": "must be a list", "l: [a,\n  b]\n": "several lines", "l:\n- {a: 1}\n": "more than a single value",
		"l:\n- a\n  b\n": "safely", "l: &x [a]\n": "must be a list, got an anchor",
	} {
		if got, err := config.SetList([]byte(text), "l", two); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %q, %v, want an error with %q", text, got, err, want)
		} else if config.Hint(err) == "" {
			t.Errorf("%q: got no hint in %v", text, err)
		}
	}
}

func TestSetList_agentFile(t *testing.T) {
	text, err := os.ReadFile("../../configs/agent.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.SetList(text, "collect.disks", []string{"/", "/data"})
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Replace(text, []byte(`disks: ["/"]`), []byte(`disks: ["/", "/data"]`), 1)
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
}

// Whatever the text is, what SetList returns is read as the list, and all else as before.
func FuzzSetList(f *testing.F) {
	for _, seed := range []string{
		"", "l: []\n", "l: [a, 'b']\nm: 1\n", "l:\n  - a\n  # c\n  - b\nm: 1\n", "l:\n- a\n", "l: [a,\n b]", "l: # c\r\nm: 1\r\n",
		"{l: [a], m: 1}\n", "l: [[a]]\n", "l: é\n", "l:\n- \"a\n  b\"\n", "l:\n- - a\n", "l:\n- a: 1\n",
	} {
		f.Add(seed, "x", "it's \"b\"\n")
	}
	f.Fuzz(func(t *testing.T, text, one, two string) {
		got, err := config.SetList([]byte(text), "l", []string{one, two})
		if err != nil {
			return
		}
		type lists struct {
			L []string `yaml:"l"`
			M string   `yaml:"m"`
		}
		var before, after lists
		if config.Decode("g", []byte(text), &before) != nil {
			return
		}
		if err := config.Decode("g", got, &after); err != nil {
			t.Fatalf("%q: taken before, not after: %v\n%q", text, err, got)
		}
		if len(after.L) != 2 || after.L[0] != one || after.L[1] != two || before.M != after.M {
			t.Fatalf("%q: got %+v, want %q and %q, and all else as before\n%q", text, after, one, two, got)
		}
	})
}
