// Package manual says what a command line takes, to people and to shells: as a manual page, and as completions for
// bash, zsh and fish.
//
// Its one promise: each command, flag, argument and example that is not hidden is in the page, and each command, flag
// and choice in the completions, whatever characters a help is made of; the same command line gives the same bytes.
//
// Own code, since what there is for this parser has not been looked after for years, writes no page, or wants to be in
// the program: a shell that asks the program is slower, and the agent is to stay small.
package manual

import (
	"strconv"
	"strings"
)

// A Command is what a program or one of its commands takes. Hidden ones are left out by who makes it.
type Command struct {
	Name string // the program's, for the first
	Help string // one sentence, or some
	// Detail is the longer help: paragraphs, and blocks indented by blanks, which are kept as they are.
	Detail   string
	Aliases  []string
	Args     []Arg
	Flags    []Flag // its own; those of the commands above hold too
	Commands []Command
}

// A Value is what an argument, or a flag that is no switch, takes.
type Value struct {
	Name    string
	Help    string
	Choices []string // all there are, if it is one of some
	Kind    Kind
	// Many may be given, one after the other.
	Many bool
}

// A Kind says which files a value names.
type Kind int

// Kinds of values.
const (
	NoFile Kind = iota
	File
	Folder
)

// An Arg is a value in its place.
type Arg struct {
	Value
	Optional bool
}

// A Flag is a value with its name before it, or only a name.
type Flag struct {
	Value
	// Placeholder stands for the value in help; "" for a switch, which takes none.
	Placeholder string
	Short       rune // 0 for none
}

// names are the words that are this flag.
func (f Flag) names() []string {
	if f.Short == 0 {
		return []string{"--" + f.Name}
	}
	return []string{"--" + f.Name, "-" + string(f.Short)}
}

// position is the i-th argument's among the others, * if there may be more of it.
func (a Arg) position(i int) string {
	if a.Many {
		return "*"
	}
	return strconv.Itoa(i)
}

// Files returns all forms by the names of their files.
func Files(program Command) map[string][]byte {
	n := program.Name
	return map[string][]byte{
		n + ".1": page(program), n + ".bash": bash(program), "_" + n: zsh(program), n + ".fish": fish(program),
	}
}

// A place is a command with what its position says.
type place struct {
	Command
	path  string // the words to it, without the program: "device add"; "" for the program
	flags []Flag // that it takes: its own, then those of the commands above
}

// places returns the program and all its commands, in order, the upper ones first.
func places(program Command) (all []place) {
	var walk func(c Command, path string, above []Flag)
	walk = func(c Command, path string, above []Flag) {
		flags := append(append([]Flag{}, c.Flags...), above...)
		all = append(all, place{c, path, flags})
		for _, sub := range c.Commands {
			walk(sub, join(path, sub.Name), flags)
		}
	}
	walk(program, "", nil)
	return all
}

// join is a command's path with one word more.
func join(path, word string) string { return strings.TrimPrefix(path+" "+word, " ") }

// line is a help on one line.
func line(help string) string { return strings.Join(strings.Fields(help), " ") }

// function is a program's name as it may be in the name of a shell's function.
func function(name string) string { return "_" + strings.ReplaceAll(name, "-", "_") }

// quote is a text for a POSIX shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
