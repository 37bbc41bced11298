// Package cli is the front door of every program: arguments, help, signals, the way mistakes are told, and the log.
// Its one promise: the programs behave alike. Without arguments a program that has commands prints its help and
// succeeds; --version names the version; a mistake is one line, with what to try on a line of its own, and exit status
// 1, or 78 where the program is not set up yet; the first SIGINT or SIGTERM ends a program in order, the second at once.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"

	"piway/shared/config"
	"piway/shared/version"
)

// A Program is a name, what it is for, and its command line: a pointer to a struct with the tags of kong, and Run
// methods that may take a context.Context, an io.Writer for what a person asked for, or Streams.
type Program struct {
	Name, Description string
	Commands          any
	// Vars stand in the tags as ${NAME}.
	Vars map[string]string
}

// Streams are what a command may write to.
type Streams struct{ Out, Err io.Writer }

// Run parses the arguments and does what they say. Its error has a hint (config.Hint) where something can be done.
func (p Program) Run(ctx context.Context, args []string, s Streams) error {
	helped := false
	parser, err := p.parser(kong.Writers(s.Out, s.Err), kong.Exit(func(int) { helped = true }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(s.Out, (*io.Writer)(nil)), kong.Bind(s))
	if err != nil {
		return err
	}
	if len(args) == 0 && len(parser.Model.Children) > 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(numbers(args))
	if helped {
		return nil
	}
	if err != nil {
		return config.Try(err, p.helpFor(err))
	}
	return withConfig(command.Run(), args, usualConfig(command))
}

// helpFor is the command whose help tells how to avoid a mistake of the command line.
func (p Program) helpFor(err error) string {
	if at, ok := errors.AsType[*kong.ParseError](err); ok && at.Context != nil {
		if command := at.Context.Selected(); command != nil {
			return command.FullPath() + " --help"
		}
	}
	return p.Name + " --help"
}

// everywhere are the flags that every program has beside --help.
type everywhere struct {
	Version kong.VersionFlag `help:"Show which version this is, and the commit that it was built from."`
}

func (p Program) parser(more ...kong.Option) (*kong.Kong, error) {
	options := []kong.Option{
		kong.Name(p.Name), kong.Description(p.Description), kong.Vars(p.Vars), kong.Embed(&everywhere{}),
		kong.Vars{"version": version.String(p.Name)},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	}
	parser, err := kong.New(p.Commands, append(options, more...)...)
	if err != nil {
		return nil, fmt.Errorf("building the command line: %w", err)
	}
	return parser, nil
}

// negative is a number below 0, which kong would take for flags. There are none of digits.
var negative = regexp.MustCompile(`^-[0-9.][0-9.,eE+-]*$`)

// numbers puts a blank before numbers below 0: they are arguments then, and whoever reads numbers cuts it off.
func numbers(args []string) []string {
	args = slices.Clone(args)
	for i, a := range args {
		if negative.MatchString(a) {
			args[i] = " " + a
		}
	}
	return args
}

// notSetUp is the exit status of a program that is not set up yet, EX_CONFIG of sysexits(3). The units for systemd have
// it in RestartPreventExitStatus=: only a person can help.
const notSetUp = 78

// Status tells an error to a person, with each hint on a line of its own, and returns the exit status: 0 for none, 78
// for what is not set up yet (config.NotSetUp), else 1.
func (p Program) Status(err error, w io.Writer) int {
	if err == nil {
		return 0
	}
	if told, ok := errors.AsType[Told](err); ok {
		return int(told)
	}
	if unread(err) {
		return notRead
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	_, _ = fmt.Fprintf(w, "%s: %s\n", p.Name, p.tell(err, bySudo())) // nobody is left to tell
	if config.IsNotSetUp(err) {
		return notSetUp
	}
	return 1
}

// Interrupted is the error of a command that goes on where it was when it is given again, if ctx has ended it.
func Interrupted(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return config.Try(errors.New("interrupted"), "the same command again, which goes on from here")
}

// notRead is the exit status of a program whose reader is gone, as of one that SIGPIPE ends.
const notRead = 128 + int(syscall.SIGPIPE)

// unread is whether nobody reads what a person asked for, of which nobody needs to be told: "| head" has enough.
func unread(err error) bool {
	at, is := errors.AsType[*fs.PathError](err)
	return is && at.Path == os.Stdout.Name() && errors.Is(at, syscall.EPIPE)
}

// Logger writes to w what is of the named level (debug, info, warn, error) or worse; another name means info.
func Logger(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // the configuration has refused others
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}
