// Command mutants breaks the promises of the code one at a time, in a copy of the tree, and expects the tests to notice.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"piway/shared/cli"
)

const description = `Breaks the promises of the code one at a time, in a copy of the tree, and expects the tests to notice.

Examples:

  go run ./proof/mutants
  go run ./proof/mutants uplink`

type command struct {
	Text []string `arg:"" optional:"" help:"Only mutants whose name holds one of these texts. Default: all."`
}

// patience is for the tests of one mutant. One that makes a test hang is noticed too.
const patience = 3 * time.Minute

func main() { program().Main() }

func program() cli.Program {
	return cli.Program{Name: "mutants", Description: description, Commands: &command{}}
}

// Run returns an error if a mutant survived, or could not be made.
func (c *command) Run(ctx context.Context, out io.Writer) error {
	chosen := slices.DeleteFunc(slices.Clone(table), func(m mutant) bool {
		return len(c.Text) > 0 && !slices.ContainsFunc(c.Text, func(n string) bool { return strings.Contains(m.name, n) })
	})
	dir, err := os.MkdirTemp("", "piway-mutants-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left is harmless
	if err := copyTree(ctx, dir); err != nil {
		return err
	}
	var errs []error
	sound := map[string]error{} // whether tests succeed without a mutant
	for _, m := range chosen {
		begun := time.Now()
		noticed, err := try(ctx, dir, m, sound)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		verdict := "killed    by " + noticed
		if err != nil {
			verdict = "NOT KILLED " + err.Error()
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
		}
		_, _ = fmt.Fprintf(out, "%-70s %4.0f s  %s\n", m.name, time.Since(begun).Seconds(), verdict)
	}
	_, _ = fmt.Fprintf(out, "%d of %d killed\n", len(chosen)-len(errs), len(chosen))
	return errors.Join(errs...)
}

var errSurvived = errors.New("survived")

// try makes a mutant, runs its tests and unmakes it. It returns the first test that noticed.
func try(ctx context.Context, dir string, m mutant, sound map[string]error) (noticed string, err error) {
	path := filepath.Join(dir, m.file)
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	broken, err := m.apply(text)
	if err != nil {
		return "", err
	}
	if err := succeeds(ctx, dir, m, sound); err != nil {
		return "", err
	}
	if err := os.WriteFile(path, broken, 0o600); err != nil {
		return "", err
	}
	out, failed := test(ctx, dir, m)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return "", err
	}
	switch {
	case failed == nil:
		return "", errSurvived
	case strings.Contains(out, "[build failed]"), strings.Contains(out, "[setup failed]"):
		return "", fmt.Errorf("does not build: %s", out)
	default:
		return first(out), nil
	}
}

// succeeds returns an error if the tests fail without the mutant too. Mutants with the same tests ask once.
func succeeds(ctx context.Context, dir string, m mutant, sound map[string]error) error {
	key := m.pkg + " " + m.run
	if _, known := sound[key]; !known {
		out, err := test(ctx, dir, m)
		if err != nil {
			err = fmt.Errorf("the tests fail without it: %s", first(out))
		}
		sound[key] = err
	}
	return sound[key]
}

// apply breaks the text of a file.
func (m mutant) apply(text []byte) ([]byte, error) {
	if n := bytes.Count(text, []byte(m.old)); n != 1 {
		return nil, fmt.Errorf("%s has %q %d times, the table must follow", m.file, m.old, n)
	}
	return bytes.Replace(text, []byte(m.old), []byte(m.new), 1), nil
}

// test runs the tests that should notice.
func test(ctx context.Context, dir string, m mutant) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience+time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", m.pkg, "-run", m.run, "-failfast", "-timeout", patience.String()) //nolint:gosec // from the table
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

var failure = regexp.MustCompile(`(?m)^--- FAIL: (\S+)|^panic: (.*)$`)

// first is what failed first.
func first(out string) string {
	m := failure.FindStringSubmatch(out)
	if m == nil {
		return strings.TrimSpace(out[max(0, len(out)-300):])
	}
	return m[1] + m[2]
}

// copyTree copies what git knows of, and what it could be told of, as it is now.
func copyTree(ctx context.Context, dir string) error {
	root, err := exec.CommandContext(ctx, "git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		return fmt.Errorf("git rev-parse: %w", err)
	}
	from := strings.TrimSpace(string(root))
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = from
	names, err := list.Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		if err := copyFile(filepath.Join(dir, name), filepath.Join(from, name)); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(to, from string) error {
	info, err := os.Stat(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil // deleted, and git was not told
	}
	if err != nil {
		return err
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	return os.WriteFile(to, text, info.Mode())
}
