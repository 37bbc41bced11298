package control_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"piway/gateway/control"
	"piway/shared/config"
)

// dataDir is short: a Unix socket's path has a bound that t.TempDir can exceed.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// serve answers on the folder's socket until the test ends or stop is called.
func serve(t *testing.T, dir string) (stop func()) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /greet", func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, 64)
		n, _ := r.Body.Read(body)
		control.Reply(w, map[string]string{"got": strings.TrimSpace(string(body[:n]))})
	})
	mux.HandleFunc("GET /fail", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no device of this name, try: piway-gateway device list", http.StatusNotFound)
	})
	mux.HandleFunc("GET /nothing", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	s, err := control.Open(t.Context(), dir, mux, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("running: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func TestCall(t *testing.T) {
	dir := dataDir(t)
	serve(t, dir)
	var out struct{ Got string }
	if err := control.Call(t.Context(), dir, http.MethodPost, "/greet", "hello", &out); err != nil {
		t.Fatal(err)
	}
	if out.Got != `"hello"` {
		t.Errorf("the gateway got %s, want %q", out.Got, "hello")
	}
	if err := control.Call(t.Context(), dir, http.MethodGet, "/nothing", nil, nil); err != nil {
		t.Errorf("an answer without a body: %v", err)
	}
	err := control.Call(t.Context(), dir, http.MethodGet, "/fail", nil, &out)
	if want := "no device of this name, try: piway-gateway device list"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestCall_notRunning(t *testing.T) {
	dir := dataDir(t)
	call := func(when string) {
		t.Helper()
		if err := control.Call(t.Context(), dir, http.MethodGet, "/nothing", nil, nil); !errors.Is(err,
			control.ErrNotRunning) {
			t.Errorf("%s: got %v, want ErrNotRunning", when, err)
		}
	}
	call("no socket")
	leaveSocket(t, dir)
	call("a socket left by a kill")
	stop := serve(t, dir) // which takes its place
	if err := control.Call(t.Context(), dir, http.MethodGet, "/nothing", nil, nil); err != nil {
		t.Errorf("over a socket left by a kill: %v", err)
	}
	stop()
	call("stopped")
}

// leaveSocket leaves a socket on which nobody listens.
func leaveSocket(t *testing.T, dir string) {
	t.Helper()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: control.Path(dir), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_mode(t *testing.T) {
	dir := dataDir(t)
	serve(t, dir)
	info, err := os.Stat(control.Path(dir))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o660 {
		t.Errorf("got mode %o, want 660", got)
	}
}

func TestOpen_pathTooLong(t *testing.T) {
	dir := "/" + strings.Repeat("d", 120)
	_, err := control.Open(t.Context(), dir, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err == nil || config.Hint(err) == "" {
		t.Errorf("got %v, want an error with a hint", err)
	}
}
