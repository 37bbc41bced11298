//go:build !documents

package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Main is the program: it runs the command of the process's arguments and does not return.
func (p Program) Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	// Who stops reading what a command says (| head, a closed terminal) does not end in the middle what it does.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	err := p.Run(ctx, os.Args[1:], Streams{os.Stdout, os.Stderr})
	os.Exit(p.Status(err, os.Stderr))
}
