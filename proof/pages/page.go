package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Where the commands of a block are typed; each is the second word behind the fence, as in "```sh run".
const (
	onThis   = "run"    // any machine, without root
	onServer = "server" // the home server, as a user with sudo
	onPi     = "pi"     // the Raspberry Pi, as a user with sudo
)

// A block is what stands between two fences, on lines that follow each other.
type block struct {
	where string // onThis, onServer or onPi
	line  int    // of the page, where its text begins, from 1
	text  string // its lines, without what indents the fence
}

// A page is a Markdown text's blocks that are to be run, in its order.
type page struct {
	name   string // as messages have it: path of the file
	blocks []block
}

var (
	fence = regexp.MustCompile("^([ \t]*)(`{3,}|~{3,})[ \t]*(.*?)[ \t]*$")
	known = regexp.MustCompile(`^sh (run|server|pi)$`)
)

// parse finds the blocks of a page. Every mistake is told with its line: a fence that says something other than a
// language, or one of the words behind sh; one that is not closed; a block without commands.
func parse(name, text string) (page, error) {
	p := page{name: name}
	var errs []error
	wrong := func(line int, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s:%d: "+format, append([]any{name, line}, args...)...))
	}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		open := fence.FindStringSubmatch(lines[i])
		if open == nil || (open[2][0] == '`' && strings.Contains(open[3], "`")) { // such a line is text
			continue
		}
		start, word := i, ""
		if m := known.FindStringSubmatch(open[3]); m != nil {
			word = m[1]
		} else if strings.ContainsAny(open[3], " \t") {
			wrong(i+1, "a fence says %q, want a language, or sh run, sh server or sh pi", open[3])
		}
		for i++; i < len(lines) && !closes(lines[i], open[2]); i++ {
			lines[i] = undent(lines[i], len(open[1]))
		}
		if i == len(lines) {
			wrong(start+1, "a fence is not closed")
			break
		}
		b := block{word, start + 2, strings.Join(lines[start+1:i], "\n")}
		if word != "" && len(b.commands()) == 0 {
			wrong(start+1, "a block to run without a command")
		}
		if word != "" {
			p.blocks = append(p.blocks, b)
		}
	}
	return p, errors.Join(errs...)
}

// closes reports whether a line ends a block that was opened by this fence.
func closes(line, open string) bool {
	m := fence.FindStringSubmatch(line)
	return m != nil && m[3] == "" && m[2][0] == open[0] && len(m[2]) >= len(open)
}

// undent takes away as many blanks as indent the fence, or as there are.
func undent(line string, n int) string {
	for n > 0 && line != "" && (line[0] == ' ' || line[0] == '\t') {
		line, n = line[1:], n-1
	}
	return line
}

// commands are what a person types: the lines that are neither empty nor only a comment, with those behind a backslash.
func (b block) commands() []string {
	var all []string
	more := false
	for line := range strings.SplitSeq(b.text, "\n") {
		line = strings.TrimSpace(line)
		if !more && (line == "" || line[0] == '#') {
			continue
		}
		if more {
			all[len(all)-1] += "\n" + line
		} else {
			all = append(all, line)
		}
		more = strings.HasSuffix(line, `\`)
	}
	return all
}

// of are the blocks of one machine, or of one of several.
func (p page) of(where ...string) []block {
	var found []block
	for _, b := range p.blocks {
		for _, w := range where {
			if b.where == w {
				found = append(found, b)
			}
		}
	}
	return found
}
