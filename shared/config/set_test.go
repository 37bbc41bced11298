package config_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/shared/config"
)

func TestSetKey(t *testing.T) {
	for _, c := range []struct{ name, text, key, value, want string }{
		{
			"replaced", "a: 1\nuplink:\n  # why\n  form: metric # the recipe's\n  b: 2\n", "uplink.form", "emf",
			"a: 1\nuplink:\n  # why\n  form: emf # the recipe's\n  b: 2\n",
		},
		{"quoted before", "a: \"x # y\" # z\n", "a", "b", "a: b # z\n"},
		{"single quotes", "a: 'it''s'\n", "a", "b", "a: b\n"},
		{"words", "a: one two, three  # z\n", "a", "b", "a: b  # z\n"},
		{"port", "a: x\n", "a", "host:8883", "a: host:8883\n"},
		{"needs quotes", "a: x\n", "a", "b: c", "a: 'b: c'\n"},
		{"looks like a comment", "a: x\n", "a", "b #c", "a: 'b #c'\n"},
		{"empty", "a: x\n", "a", "", "a: ''\n"},
		{"null as text", "a: x\n", "a", "null", "a: 'null'\n"},
		{"newline", "a: x\n", "a", "b\nc", "a: \"b\\nc\"\n"},
		{"had no value", "a: # none yet\nb: 1\n", "a", "x", "a: x # none yet\nb: 1\n"},
		{
			"into the section", "uplink:\n    # one\n    b: 2\nc: 3\n", "uplink.a", "x",
			"uplink:\n    a: x\n    # one\n    b: 2\nc: 3\n",
		},
		{"section of comments", "uplink:\n  # a: 1\nc: 3\n", "uplink.a", "x", "uplink:\n  a: x\n  # a: 1\nc: 3\n"},
		{"new section", "# top\na: 1", "uplink.certs.dir", "/c", "# top\na: 1\nuplink:\n  certs:\n    dir: /c\n"},
		{"nothing", "", "a", "x", "a: x\n"},
		{"comments only", "# one\n", "a", "x", "# one\na: x\n"},
		{"in braces", "uplink: {a: 1, b: 2} # c\n", "uplink.b", "x", "uplink: {a: 1, b: x} # c\n"},
		{"into braces", "uplink: {a: 1}\n", "uplink.b", "x", "uplink: {b: x, a: 1}\n"},
		{"lines of DOS", "a: 1\r\nuplink:\r\n  b: 2 # c\r\n", "uplink.b", "x", "a: 1\r\nuplink:\r\n  b: x # c\r\n"},
		{"new line of DOS", "a: 1\r\n", "b", "x", "a: 1\r\nb: x\r\n"},
		{"like another key", "xa: 1\na: 2\n", "a", "3", "xa: 1\na: 3\n"},
		{"the same again", "a: 2 # c\n", "a", "2", "a: 2 # c\n"},
		{"letters of two bytes", "é: 1\nuplink: {é: ü, b: x}\n", "uplink.b", "y", "é: 1\nuplink: {é: ü, b: y}\n"},
	} {
		got, err := config.SetKey([]byte(c.text), c.key, c.value)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestSetKey_refused(t *testing.T) {
	for _, c := range []struct{ name, text, key, want string }{
		{"block", "a: |\n  x\n  y\nb: 1\n", "a", "lines"},
		{"list", "a: [1, 2]\n", "a", "must be a single value, got a list"},
		{"group", "a: {b: 1}\n", "a", "must be a single value, got a group of keys"},
		{"no group", "a: x\n", "a.b", "a is not a group of keys"},
		{"anchor", "a: &x y\n", "a", "anchor"},
		{"twice", "a: 1\nb: 2\na: 3\n", "a", "twice, on lines 1 and 3"},
		{"two lines", "a: one\n  two\n", "a", "lines"},
		{"not YAML", "a: [\n", "a", "YAML"},
	} {
		got, err := config.SetKey([]byte(c.text), c.key, "x")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %q, %v, want an error with %q", c.name, got, err, c.want)
		}
		if c.name != "not YAML" && config.Hint(err) == "" {
			t.Errorf("%s: got no hint in %v", c.name, err)
		}
	}
}

// On the gateway's own file, whose every line is a comment or a key.
func TestSetKey_gatewayFile(t *testing.T) {
	text, err := os.ReadFile("../../configs/gateway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{
		{"uplink.endpoint", "abc-ats.iot.eu-west-1.amazonaws.com", `  endpoint: ""`},
		{"uplink.form", "emf", "  form: metric"},
		{"uplink.certs.dir", "/c", "    dir: /etc/piway/certs"},
		{"log.level", "warn", "  level: info"},
	} {
		got, err := config.SetKey(text, c[0], c[1])
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(c[2], ":")
		want := bytes.Replace(text, []byte("\n"+c[2]+"\n"), []byte("\n"+name+": "+c[1]+"\n"), 1)
		if diff := cmp.Diff(string(want), string(got)); diff != "" || bytes.Equal(got, text) {
			t.Errorf("%s:\n%s", c[0], diff)
		}
	}
}

// Whatever the text is, what SetKey returns has the value by the strict reader's account, has every old line but at
// most one, and is taken by the reader if the old text was.
func FuzzSetKey(f *testing.F) {
	for _, seed := range []string{
		"", "site: a # b\n", "uplink:\n  # c\n  password_file: x\n", "uplink: {password_file: 'a, b', window: 5m}\n",
		"uplink:\n  window: 5m",
		"uplink: # c\n", "\ufeffsite: |\n  b\n", "site: a\r\nuplink:\r\n  grace: 1s\r\n", "site: a\n---\n", "site: a\n...\n",
		"? site\n: b\n",
		"uplink: {}\n", "site:\n- a\n", "# only", "site: &a b\nrules: *a\n", "%YAML 1.2\n---\nsite: 1", "site: \"a\n  b\"\n",
		"- a\n", "\tsite: a\n",
	} {
		f.Add(seed, "site", "x: y")
		f.Add(seed, "uplink.password_file", "it's # \"a\"\n")
	}
	f.Fuzz(func(t *testing.T, text, key, value string) {
		got, err := config.SetKey([]byte(text), key, value)
		if err != nil {
			return
		}
		before, after := defaults(), defaults()
		errBefore, errAfter := config.Decode("g", []byte(text), &before), config.Decode("g", got, &after)
		if (key == "site" || key == "uplink.password_file") && errBefore == nil {
			if errAfter != nil {
				t.Fatalf("%q: taken before, not after %s = %q: %v\n%q", text, key, value, errAfter, got)
			}
			if is := map[string]string{"site": after.Site, "uplink.password_file": after.Uplink.PasswordFile}[key]; is != value {
				t.Fatalf("%q: got %s %q, want %q\n%q", text, key, is, value, got)
			}
			before.Site, after.Site, before.Uplink.PasswordFile, after.Uplink.PasswordFile = "", "", "", ""
			if diff := cmp.Diff(before, after); key == "site" && diff != "" {
				t.Fatalf("%q: other keys changed:\n%s", text, diff)
			}
		}
		if lost := lostLines(text, string(got)); lost > 1 {
			t.Fatalf("%q: %d lines lost in %q", text, lost, got)
		}
	})
}

func lostLines(before, after string) int {
	lost := 0
	rest := strings.Split(after, "\n")
	for line := range strings.SplitSeq(before, "\n") {
		found := false
		for i := range rest {
			if strings.TrimSuffix(rest[i], "\r") == strings.TrimSuffix(line, "\r") {
				rest, found = rest[i+1:], true
				break
			}
		}
		if !found {
			lost++
		}
	}
	return lost
}
