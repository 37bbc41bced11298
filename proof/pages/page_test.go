package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	const text = "# Title\n\n```sh run\none\n```\n\n   ```sh server\n   two \\\n     --more\n   # said\n\n   three\n   ```\n" +
		"````sh pi\n```\nfour\n````\n~~~ yaml\nfive: 5\n~~~\n\n    indented\n\na ``` in a line\n```inline``` code\n```\nsix\n```\n"
	got, err := parse("p.md", text)
	if err != nil {
		t.Fatal(err)
	}
	want := []block{
		{onThis, 4, "one"},
		{onServer, 8, "two \\\n  --more\n# said\n\nthree"},
		{onPi, 15, "```\nfour"},
	}
	if diff := cmp.Diff(want, got.blocks, cmp.AllowUnexported(block{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"two \\\n--more", "three"}, got.blocks[1].commands()); diff != "" {
		t.Error(diff)
	}
}

func TestParse_mistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"unknown word":     {"a\n\n```sh sever\nx\n```\n", `p.md:3: a fence says "sh sever", want`},
		"another language": {"```bash run\nx\n```", `p.md:1: a fence says "bash run"`},
		"two words":        {"```sh run pi\nx\n```", `p.md:1: a fence says "sh run pi"`},
		"not closed":       {"\n```sh run\nx\n``\n", "p.md:2: a fence is not closed"},
		"closed by fewer":  {"````\nx\n```\n", "p.md:1: a fence is not closed"},
		"nothing in it":    {"```sh pi\n\n# only said\n```", "p.md:1: a block to run without a command"},
	} {
		if _, err := parse("p.md", c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// Whatever a page holds: each command of a block stands in the script on the line that it has on the page, and each
// mistake has a line of the page.
func FuzzParse(f *testing.F) {
	f.Add("```sh run\na &\nb\n```\n")
	f.Add("\r\n  ~~~ sh pi\r\n  x\r\n  ~~~")
	f.Add("```sh server\n```\n````x y\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parse("p.md", text)
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "p.md:") {
					t.Errorf("no place in %q", line)
				}
			}
			return
		}
		lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
		typed := strings.Split(script(p, p.blocks, ""), "\n")
		for _, b := range p.blocks {
			for i, line := range strings.Split(b.text, "\n") {
				at := b.line + i - 1
				if !strings.HasSuffix(lines[at], line) || typed[at] != awaiting(line, i > 0 && strings.HasSuffix(lines[at-1], `\\`)) {
					t.Errorf("line %d: got %q in the block and %q in the script, the page has %q", at+1, line, typed[at], lines[at])
				}
			}
		}
	})
}

func TestAwaiting(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"run &":               "__before; run & __ready",
		"run &   # said & so": "__before; run & __ready   # said & so",
		"a && b":              "a && b",
		"a &&":                "a &&",
		"a |&":                "a |&",
		"a & b":               "a & b",
		"# a &":               "# a &",
		"a # b &":             "a # b &",
		"a > x 2>&1 &":        "__before; a > x 2>&1 & __ready",
	} {
		if got := awaiting(line, false); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
	if got := awaiting("  --more &", true); got != "  --more & __ready" {
		t.Errorf("got %q, want what begins on the line before", got)
	}
}
