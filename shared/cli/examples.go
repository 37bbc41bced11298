package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

var (
	// block is what a help has below "Example:", with or without more words before the colon.
	block = regexp.MustCompile(`(?m)^Examples?\b.*:\n\n((?:  .*\n?)+)`)
	// before is what may stand before a program's name.
	before = regexp.MustCompile(`^(\* \* \* \* \* |sudo |/usr/local/bin/|go run \./proof/)+`)
	// behind is what no longer belongs to its arguments: a redirection, a pipe, or what is said of the line.
	behind = regexp.MustCompile(`( [<>] | \| |  ).*$`)
)

// Examples is for tests. Nil means that the help of each command has an example of it, and that the program takes the
// arguments of each.
func (p Program) Examples() error {
	parser, err := p.parser()
	if err != nil {
		return err
	}
	leaves := parser.Model.Leaves(true)
	if len(leaves) == 0 {
		return examples(parser, p.Name, p.Description)
	}
	var errs []error
	for _, leaf := range leaves {
		errs = append(errs, examples(parser, leaf.FullPath(), leaf.Detail))
	}
	return errors.Join(errs...)
}

// examples checks those of one command.
func examples(parser *kong.Kong, command, help string) error {
	found := false
	var errs []error
	for _, m := range block.FindAllStringSubmatch(help, -1) {
		for line := range strings.Lines(m[1]) {
			line = behind.ReplaceAllString(before.ReplaceAllString(strings.TrimSpace(line), ""), "")
			program, args, _ := strings.Cut(line, " ")
			if program != parser.Model.Name {
				continue
			}
			found = found || strings.HasPrefix(line+" ", command+" ")
			if _, err := parser.Parse(numbers(strings.Fields(args))); err != nil {
				errs = append(errs, fmt.Errorf("%s: the example %q is refused: %w", command, line, err))
			}
		}
	}
	if !found {
		errs = append(errs, fmt.Errorf("%s: the help has no example of it", command))
	}
	return errors.Join(errs...)
}
