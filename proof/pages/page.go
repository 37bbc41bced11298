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
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		open := fence.FindStringSubmatch(lines[i])
		if open == nil || (open[2][0] == '`' && strings.Contains(open[3], "`")) { // such a line is text
			continue
		}
		end := i + 1
		for end < len(lines) && !closes(lines[end], open[2]) {
			end++
		}
		b, err := read(open, lines[i+1:end])
		b.line = i + 2
		if end == len(lines) {
			err = errors.New("a fence is not closed")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, i+1, err))
		}
		if b.where != "" {
			p.blocks = append(p.blocks, b)
		}
		i = end
	}
	return p, errors.Join(errs...)
}

// read makes a block of its lines. Its fence is in parts: what indents it, the signs, what it says.
func read(open, lines []string) (b block, err error) {
	text := make([]string, len(lines))
	for i, line := range lines {
		text[i] = undent(line, len(open[1]))
	}
	b.text = strings.Join(text, "\n")
	if m := known.FindStringSubmatch(open[3]); m != nil {
		b.where = m[1]
	} else if strings.ContainsAny(open[3], " \t") {
		return b, fmt.Errorf("a fence says %q, want a language, or sh run, sh server or sh pi", open[3])
	}
	if b.where != "" && len(b.commands()) == 0 {
		return b, errors.New("a block to run without a command")
	}
	return b, nil
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
