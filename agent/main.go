// Command piway-agent reads this machine and reports to a Piway gateway.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"piway/shared/config"
)

// The agent lives beside what the machine is for, so it keeps small: a report makes some kilobytes of garbage,
// and collecting it at a quarter above what is in use instead of at double costs no measurable time.
const (
	garbagePercent = 25
	memoryGuard    = 32 << 20 // from here on the collector works harder
)

func main() {
	debug.SetGCPercent(garbagePercent)
	debug.SetMemoryLimit(memoryGuard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// streams is what a command may write to.
type streams struct {
	out, err io.Writer
}

// run parses the arguments and runs the command. It returns the exit status.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	var commands cli
	exited := -1
	parser, err := kong.New(&commands,
		kong.Name("piway-agent"),
		kong.Description("Reads this machine and reports to a Piway gateway."),
		kong.Writers(out, errOut),
		kong.Exit(func(status int) { exited = status }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams{out, errOut}),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	)
	if err != nil {
		panic("agent: command line declared wrongly: " + err.Error())
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help has been printed
		return exited
	}
	if err != nil {
		return fail(errOut, config.Try(err, "piway-agent --help"))
	}
	if err := command.Run(); err != nil {
		return fail(errOut, err)
	}
	return 0
}

// fail prints err for a person, with its hint on a line of its own, and returns the exit status.
func fail(w io.Writer, err error) int {
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	text, hint := err.Error(), config.Hint(err)
	if short, ok := strings.CutSuffix(text, ", try: "+hint); ok && hint != "" {
		_, _ = fmt.Fprintf(w, "piway-agent: %s\ntry: %s\n", short, hint) // nobody is left to tell
		return 1
	}
	_, _ = fmt.Fprintf(w, "piway-agent: %s\n", text) // as above
	return 1
}
