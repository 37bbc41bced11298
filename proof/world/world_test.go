package world_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"piway/proof/world"
)

func TestProcess(t *testing.T) {
	p := &world.Process{Path: "/bin/sh", Args: []string{"-c", "echo up $X; exec sleep 3600"}, Env: []string{"X=there"}, Ready: "up there", Log: io.Discard}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	if p.Running() {
		t.Error("runs after it was killed")
	}
	p.Args = []string{"-c", "echo no; exit 1"}
	if err := p.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "no") {
		t.Errorf("got %v, want an error with the end of the log", err)
	}
	if err := p.Stop(); err == nil {
		t.Error("stopped without an error, and it ended with 1")
	}
}

// echo answers with what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	return l.Addr().String()
}

// A black hole holds bytes back and loses none; a reset ends the connection.
func TestProxy(t *testing.T) {
	p, err := world.NewProxy(t.Context(), "nowhere")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Lead(echo(t))
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	say := func(text string) {
		t.Helper()
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
	say("a")
	hear("a")
	p.Blackhole(true)
	say("b")
	p.Blackhole(false)
	hear("b")
	p.Reset()
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes after a reset", n)
	}
	if p.Opened() != 1 {
		t.Errorf("%d connections, want 1", p.Opened())
	}
	if err := world.Poll(t.Context(), "the end of the line", func() (bool, error) { return p.Lines() == 0, nil }); err != nil {
		t.Error(err)
	}
}
