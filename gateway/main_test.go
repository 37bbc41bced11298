package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"piway/shared/cli"
)

// asProgram makes the test binary be piway-gateway, so that tests can kill a real process; or, for benchmarks, the
// broker library alone.
const asProgram = "PIWAY_TEST_AS_GATEWAY"

func TestMain(m *testing.M) {
	switch os.Getenv(asProgram) {
	case "":
		os.Exit(m.Run())
	case "broker":
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err := bareBroker(ctx)
		stop()
		os.Exit(program().Status(err, os.Stderr))
	default:
		program().Main()
	}
}

// run is the command line.
func run(ctx context.Context, args []string, out io.Writer) error {
	return program().Run(ctx, args, cli.Streams{Out: out, Err: io.Discard})
}
