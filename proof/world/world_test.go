package world_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/proof/world"
	"piway/shared/mqttlink/fakebroker"
)

func TestProcess(t *testing.T) {
	p := &world.Process{
		Path: "/bin/sh", Args: []string{"-c", "echo up $X; exec sleep 3600"}, Env: []string{"X=there"},
		Ready: "up there", Log: io.Discard,
	}
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

// A line of the log may be of any length, and costs none behind it.
func TestProcess_longLine(t *testing.T) {
	p := &world.Process{
		Path: "/bin/sh", Args: []string{"-c", "head -c 200000 /dev/zero; echo; echo up; exec sleep 3600"},
		Ready: "up",
	}
	defer p.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(p.Line("\x00")); n != 200_000 {
		t.Errorf("%d bytes of the line are in the log", n)
	}
}

// A steady device makes what was due while it waited for an answer as well, with its time.
func TestDevice_steady(t *testing.T) {
	const pause, reports = 20 * time.Millisecond, 6
	broker := fakebroker.New(t, nil)
	var late sync.Once
	broker.Puback = func(fakebroker.Publish) bool {
		late.Do(func() { <-time.After(reports * pause) })
		return true
	}
	samples, load := new(world.Samples), world.Load{Run: "r", Reports: 1, Pause: pause, Steady: true, Anew: true}
	device := &world.Device{Client: world.Client{Addr: broker.Addr(), Name: "dev"}, Load: load, Samples: samples}
	living, stop := context.WithCancel(t.Context())
	defer stop()
	ended := world.LiveAll(t.Context(), living, []*world.Device{device})
	samples.Wait(t.Context(), func(c world.Counts) bool { return c.Acked >= reports })
	stop()
	if err := ended.Wait(); err != nil {
		t.Fatal(err)
	}
	all := samples.All()
	for i := range all[1:] {
		if apart := all[i+1].Time.Sub(all[i].Time); (apart - pause).Abs() > time.Millisecond {
			t.Errorf("reports %d and %d are %s apart, want %s", i, i+1, apart, pause)
		}
	}
	if n := len(broker.Connects); n != len(all) {
		t.Errorf("%d logins for %d reports", n, len(all))
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
	if err := world.Poll(t.Context(), "the end of the line",
		func() (bool, error) { return p.Lines() == 0, nil }); err != nil {
		t.Error(err)
	}
}
