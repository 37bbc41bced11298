package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// asProgram makes the test binary be piway-gateway, so that tests can kill a real process; or, for benchmarks, the
// broker library alone.
const asProgram = "PIWAY_TEST_AS_GATEWAY"

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	switch os.Getenv(asProgram) {
	case "":
		os.Exit(m.Run())
	case "broker":
		err = bareBroker(ctx)
	default:
		err = run(ctx, os.Args[1:], os.Stdout)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, explain(err))
		os.Exit(1)
	}
}
