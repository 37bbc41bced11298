package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// word is what may be part of a command line in a sentence.
var word = regexp.MustCompile(`^(--?)?[A-Za-z%{}][A-Za-z0-9%._{}=-]*$`)

// Mentions is for tests. Nil means that each command of this program in a sentence is one, with all of its parts and
// such flags as it has. Where a command line ends and the sentence goes on, nobody can tell: arguments are not judged.
func (p Program) Mentions(sentence string) error {
	parser, err := p.parser()
	if err != nil {
		return err
	}
	var errs []error
	for _, after := range strings.Split(sentence, p.Name+" ")[1:] {
		if err := mention(parser.Model.Node, after); err != nil {
			errs = append(errs, fmt.Errorf("%s %.40q: %w", p.Name, after, err))
		}
	}
	return errors.Join(errs...)
}

// mention judges what stands behind the program's name.
func mention(node *kong.Node, text string) error {
	first := true
	for token := range strings.FieldsSeq(text) {
		bare := strings.TrimRight(token, ".,;:)`\"'")
		if !word.MatchString(bare) {
			break
		}
		if first && !begins(node, bare) {
			return nil // the program is spoken of
		}
		var err error
		if node, err = step(node, bare); err != nil {
			return err
		}
		first = false
		if bare != token {
			break // the sentence goes on
		}
	}
	if !first && len(node.Children) > 0 {
		return fmt.Errorf("%s is no whole command", node.FullPath())
	}
	return nil
}

// begins reports whether a word may stand behind the program's name.
func begins(node *kong.Node, word string) bool {
	return len(node.Children) == 0 || strings.HasPrefix(word, "--") || childOf(node, word) != nil
}

// step is the node that a word of a command line leads to.
func step(node *kong.Node, word string) (*kong.Node, error) {
	if flag, ok := strings.CutPrefix(word, "--"); ok {
		if !hasFlag(node, flag) {
			return nil, fmt.Errorf("%s has no flag %s", node.FullPath(), word)
		}
		return node, nil
	}
	if len(node.Children) == 0 {
		return node, nil
	}
	if child := childOf(node, word); child != nil {
		return child, nil
	}
	return nil, fmt.Errorf("%s has no command %s", node.FullPath(), word)
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, c := range node.Children {
		if c.Name == name && c.Type == kong.CommandNode {
			return c
		}
	}
	return nil
}

func hasFlag(node *kong.Node, text string) bool {
	name, _, _ := strings.Cut(text, "=")
	if name == "help" || name == "version" {
		return true
	}
	for _, group := range node.AllFlags(false) {
		for _, f := range group {
			if f.Name == name {
				return true
			}
		}
	}
	return false
}
