package main

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"piway/shared/cli"
	"piway/shared/pki"
)

// run is the command line.
func run(ctx context.Context, args []string) error {
	return program().Run(ctx, args, cli.Streams{Out: io.Discard, Err: io.Discard})
}

func TestRun_certs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	if err := run(t.Context(), []string{"certs", dir, "--host", "localcore"}); err != nil {
		t.Fatal(err)
	}
	if _, err := pki.Find(dir); err != nil {
		t.Errorf("the folder is not one that a gateway takes: %v", err)
	}
	server, err := pki.Server(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localcore", "localhost", "127.0.0.1"} {
		if err := server.Certificates[0].Leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	if err := run(t.Context(), []string{"certs", dir}); err == nil || !strings.Contains(err.Error(), "try:") {
		t.Errorf("a second time: got %v, want an error with a hint", err)
	}
	if err := run(t.Context(), []string{"certs", dir, "--keep"}); err != nil {
		t.Errorf("a second time with --keep: got %v, want nil", err)
	}
}

func TestRun_run(t *testing.T) {
	dir := t.TempDir()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	args := []string{"run", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--certs", dir, "--log-level", "error"}
	if err := run(ended, args); err != nil {
		t.Errorf("interrupted: got %v, want nil", err)
	}

	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }() // the test is over
	args[2] = ln.Addr().String()
	if err := run(t.Context(), args); err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("port taken: got %v, want the flag to change", err)
	}
	if err := run(t.Context(), []string{"run", "--port", "1"}); err == nil ||
		!strings.Contains(err.Error(), "try: piway-localcore run --help") {
		t.Errorf("unknown flag: got %v, want a hint", err)
	}
}

func TestHelp_has_examples(t *testing.T) {
	if err := program().Examples(); err != nil {
		t.Error(err)
	}
}
