package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
)

// Machines are those of a home on which pages are tried.
type machines struct {
	shells map[string][]string // by onServer and onPi: the command that runs a script from its input, without "bash"
	out    io.Writer           // what is typed, and what comes of it

	said bytes.Buffer // by all blocks so far
}

// run types a page's blocks for server and Pi, in the page's order, a shell for each block. The error names page and
// line of the command that failed. typed is how many commands succeeded.
func (m *machines) run(ctx context.Context, p page) (typed int, err error) {
	for _, b := range p.of(onServer, onPi) {
		shell := m.shells[b.where]
		if len(shell) == 0 {
			return typed, fmt.Errorf("%s:%d: there is no machine for sh %s, name one by --%[3]s", p.name, b.line, b.where)
		}
		if b.text, err = m.named(p, b); err != nil {
			return typed, err
		}
		for _, c := range b.commands() {
			_, _ = fmt.Fprintf(m.out, "%s:%d %s$ %s\n", p.name, b.line, b.where, c) // for who looks on
		}
		cmd := exec.CommandContext(ctx, shell[0], append(shell[1:len(shell):len(shell)], "bash", "-s")...) //nolint:gosec // the operator's
		cmd.Stdin = strings.NewReader(script(p, []block{b}, ""))
		from := m.said.Len()
		both := io.MultiWriter(m.out, &m.said)
		cmd.Stdout, cmd.Stderr = both, both
		if failed := cmd.Run(); failed != nil {
			return typed, outcome(ctx, p, string(m.said.Bytes()[from:]), failed)
		}
		typed += len(b.commands())
	}
	return typed, nil
}

// A placeholder is what a page has in place of what it cannot know; its value is the newest that a block has printed.
type placeholder struct {
	text    string
	printed *regexp.Regexp
}

var placeholders = []placeholder{
	{"piw1.…", regexp.MustCompile(`\bpiw1\.[A-Za-z0-9_-]+`)},
	{"-P …", regexp.MustCompile(`(?m)^password +\S+`)},
}

// named is the text of a block with what its placeholders stand for.
func (m *machines) named(p page, b block) (string, error) {
	for _, ph := range placeholders {
		if !strings.Contains(b.text, ph.text) {
			continue
		}
		all := ph.printed.FindAll(m.said.Bytes(), -1)
		if len(all) == 0 {
			return "", fmt.Errorf("%s:%d: nothing has printed what %s stands for", p.name, b.line, ph.text)
		}
		b.text = strings.ReplaceAll(b.text, ph.text, string(all[len(all)-1]))
	}
	if strings.Contains(b.text, "…") {
		return "", fmt.Errorf("%s:%d: nobody knows what … stands for in: %s", p.name, b.line, b.text)
	}
	return b.text, nil
}

var address = regexp.MustCompile(`http://[A-Za-z0-9.:\[\]-]+:\d+`)

// page is the address of a page that the blocks have printed last.
func (m *machines) page() (string, error) {
	all := address.FindAll(m.said.Bytes(), -1)
	if len(all) == 0 {
		return "", errors.New("no command has printed where the graphs are")
	}
	return string(all[len(all)-1]), nil
}
