package main

import (
	_ "embed"
	"regexp"
	"strings"
)

// prelude is what a shell is told before a page's commands.
//
//go:embed prelude.sh
var prelude string

// script is what bash runs for blocks of a page: each command on the line that it has on the page, so that what bash
// says of a line is said of the page. It reads nothing: a question is answered by the end of the input, and fails.
//
// What is to run beforehand, and to the end, is before: a command, or "". The prelude is in the first line, where no page has a command: a block has its fence before it.
func script(p page, blocks []block, before string) string {
	var b strings.Builder
	b.WriteString("PAGE='" + strings.ReplaceAll(p.name, "'", "") + "'; ")
	for line := range strings.Lines(prelude) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			b.WriteString(line + " ")
		}
	}
	if before != "" {
		b.WriteString("__before; " + before + " & __ready; ")
	}
	b.WriteString("{") // all is read before the first command is run, which then cannot read the rest
	at, more := 1, false
	for _, block := range blocks {
		for i, line := range strings.Split(block.text, "\n") {
			b.WriteString(strings.Repeat("\n", block.line+i-at))
			at = block.line + i
			b.WriteString(awaiting(line, more))
			more = strings.HasSuffix(line, `\`)
		}
	}
	b.WriteString("\n} </dev/null\n")
	return b.String()
}

// started is a line that starts something in the background, and a comment.
var started = regexp.MustCompile(`^([^#]*[^#&|]&)([ \t]*|[ \t]+#.*)$`)

// awaiting adds to such a line that what it starts is waited for, as a person does before typing the next command. more
// says that the command has begun on the line before.
func awaiting(line string, more bool) string {
	m := started.FindStringSubmatch(line)
	switch {
	case m == nil:
		return line
	case more:
		return m[1] + " __ready" + m[2]
	}
	return "__before; " + m[1] + " __ready" + m[2]
}
