package cloud

import (
	"regexp"
	"slices"
	"strings"
)

// A Command is a call of AWS's command line tool, as it is run and as it is shown.
type Command struct {
	words []word
}

// A word is an argument. What is shown may be another text for the shell, such as "$(cat FILE)" for a file's content.
type word struct{ text, shown string }

// NewCommand returns the command of these arguments, without "aws" in front.
func NewCommand(args ...string) Command { return Command{}.With(args...) }

// With returns the command with more arguments.
func (c Command) With(args ...string) Command {
	for _, a := range args {
		c = c.Shown(a, Quote(a))
	}
	return c
}

// Shown returns the command with one more argument that is shown as the given shell text.
func (c Command) Shown(text, shown string) Command {
	c.words = append(slices.Clip(c.words), word{text, shown})
	return c
}

// Then returns the command with the arguments of another behind its own.
func (c Command) Then(more Command) Command {
	c.words = append(slices.Clip(c.words), more.words...)
	return c
}

// Args are the arguments as they are run.
func (c Command) Args() []string {
	args := make([]string, len(c.words))
	for i, w := range c.words {
		args[i] = w.text
	}
	return args
}

// String is the command for a shell.
func (c Command) String() string {
	var b strings.Builder
	b.WriteString("aws")
	for _, w := range c.words {
		b.WriteString(" " + w.shown)
	}
	return b.String()
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// Quote writes a text as one word of a POSIX shell.
func Quote(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
