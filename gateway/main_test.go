package main

import (
	"context"
	"io"
	"testing"

	"piway/shared/cli"
)

// run is the command line.
func run(ctx context.Context, args []string, out io.Writer) error {
	return program().Run(ctx, args, cli.Streams{Out: out, Err: io.Discard})
}

func TestHelp_has_examples(t *testing.T) {
	if err := program().Examples(); err != nil {
		t.Error(err)
	}
}
