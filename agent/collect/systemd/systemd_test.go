package systemd_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"piway/agent/collect/systemd"
)

const patience = 20 * time.Second

// A bus is a system bus with a systemd on it, as far as Failed talks to it.
type bus struct {
	socket string
	listen net.Listener
}

// newBus starts a bus. Serve has each connection.
func newBus(t *testing.T, serve func(net.Conn)) *bus {
	t.Helper()
	b := &bus{socket: filepath.Join(t.TempDir(), "bus")}
	b.start(t, serve)
	return b
}

func (b *bus) start(t *testing.T, serve func(net.Conn)) {
	t.Helper()
	var err error
	if b.listen, err = new(net.ListenConfig).Listen(t.Context(), "unix", b.socket); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.listen.Close() })
	go func() {
		for {
			conn, err := b.listen.Accept()
			if err != nil {
				return
			}
			go func() { defer func() { _ = conn.Close() }(); serve(conn) }()
		}
	}()
}

// login speaks the bus's side of the login (D-Bus Specification, "Authentication Protocol").
func login(conn net.Conn) (io.Reader, bool) {
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, false
		}
		answer := "REJECTED EXTERNAL\r\n"
		switch line = strings.TrimSpace(strings.TrimPrefix(line, "\x00")); {
		case line == "BEGIN":
			return in, true
		case strings.HasPrefix(line, "AUTH EXTERNAL"):
			answer = "OK 1234\r\n"
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return nil, false
		}
	}
}

// answering serves a bus that answers each call of systemd with body, or with an error of that name.
func answering(failure string, body ...any) func(net.Conn) {
	return func(conn net.Conn) {
		in, ok := login(conn)
		for ok {
			call, err := dbus.DecodeMessage(in)
			if err != nil {
				return
			}
			answer := &dbus.Message{Type: dbus.TypeMethodReply, Body: body}
			switch member, _ := call.Headers[dbus.FieldMember].Value().(string); {
			case member == "Hello":
				answer.Body = []any{":1.7"}
			case failure != "":
				answer = &dbus.Message{Type: dbus.TypeError, Body: []any{"says the bus"}}
			case member != "ListUnitsFiltered" || call.Flags&dbus.FlagNoAutoStart == 0:
				return
			}
			answer.Headers = map[dbus.HeaderField]dbus.Variant{
				dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
				dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(answer.Body...)),
			}
			if answer.Type == dbus.TypeError {
				answer.Headers[dbus.FieldErrorName] = dbus.MakeVariant(failure)
			}
			if answer.EncodeTo(serial{conn}, binary.LittleEndian) != nil {
				return
			}
		}
	}
}

// serial gives messages the number that the library only gives those of its own connections.
type serial struct{ io.Writer }

func (s serial) Write(p []byte) (int, error) {
	if len(p) > 12 {
		p = slices.Clone(p)
		binary.LittleEndian.PutUint32(p[8:], 1)
	}
	return s.Writer.Write(p)
}

type unit struct {
	Name, Description, Load, Active, Sub, Follows string
	Path                                          dbus.ObjectPath
	Job                                           uint32
	JobType                                       string
	JobPath                                       dbus.ObjectPath
}

// listing are failed units as systemd lists them.
func listing(names ...string) []unit {
	all := []unit{}
	for _, name := range names {
		all = append(all, unit{
			Name: name, Description: "Some unit", Load: "loaded", Active: "failed", Sub: "failed",
			Path: "/org/freedesktop/systemd1/unit/x", JobPath: "/",
		})
	}
	return all
}

func TestFailed(t *testing.T) {
	t.Parallel()
	for _, want := range [][]string{{}, {"a.service"}, {"a.service", "b.mount", "c@1.service"}} {
		b := newBus(t, answering("", listing(want...)))
		slices.Reverse(want)
		b2 := newBus(t, answering("", listing(want...)))
		slices.Sort(want)
		for _, socket := range []string{b.socket, b2.socket} {
			got, err := new(systemd.Manager).Failed(t.Context(), socket)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		}
	}
}

// The connection stays, and another is opened when the bus was started anew.
func TestManager_one_connection_until_the_bus_is_started_anew(t *testing.T) {
	t.Parallel()
	var b *bus
	var mu sync.Mutex
	var open []net.Conn // of the bus that runs
	counting := func(name string) func(net.Conn) {
		serve := answering("", listing(name))
		return func(conn net.Conn) {
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			serve(conn)
		}
	}
	stop := func() (connections int) {
		mu.Lock()
		defer mu.Unlock()
		_ = b.listen.Close()
		for _, conn := range open {
			_ = conn.Close()
		}
		connections, open = len(open), nil
		return connections
	}
	b = newBus(t, counting("a.service"))
	var m systemd.Manager
	defer m.Close()
	ask := func(want string) {
		t.Helper()
		if got, err := m.Failed(t.Context(), b.socket); !slices.Equal(got, []string{want}) || err != nil {
			t.Errorf("got %q, %v, want %s", got, err, want)
		}
	}
	ask("a.service")
	for _, name := range []string{"b.service", "c.service"} {
		ask(strings.Replace(name, string(name[0]), string(name[0]-1), 1))
		if n := stop(); n != 1 {
			t.Errorf("got %d connections, want one", n)
		}
		if got, err := m.Failed(t.Context(), b.socket); !errors.Is(err, systemd.ErrNone) {
			t.Errorf("without a bus: got %q, %v", got, err)
		}
		b.start(t, counting(name))
		ask(name)
	}
	stop()
	b.start(t, counting("d.service"))
	ask("d.service") // nobody asked while it was away
}

// A bus that does not answer is asked by another connection the next time: the late answer must not be taken for
// that to the next question.
func TestManager_after_a_question_that_was_not_answered(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{}, 1)
	hang <- struct{}{}
	b := newBus(t, func(conn net.Conn) {
		select {
		case <-hang:
			_, _ = login(conn)
			_, _ = io.Copy(io.Discard, conn)
		default:
			answering("", listing("a.service"))(conn)
		}
	})
	var m systemd.Manager
	defer m.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got, err := m.Failed(ctx, b.socket); err == nil {
		t.Errorf("got %q", got)
	}
	if got, err := m.Failed(t.Context(), b.socket); len(got) != 1 || err != nil {
		t.Errorf("got %q, %v, want one", got, err)
	}
}

// An answer that is an error costs no connection.
func TestManager_denied(t *testing.T) {
	t.Parallel()
	connections := make(chan struct{}, 10)
	b := newBus(t, func(conn net.Conn) {
		connections <- struct{}{}
		answering("org.freedesktop.DBus.Error.AccessDenied")(conn)
	})
	var m systemd.Manager
	defer m.Close()
	for range 3 {
		if got, err := m.Failed(t.Context(), b.socket); err == nil || errors.Is(err, systemd.ErrNone) {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if n := len(connections); n != 1 {
		t.Errorf("got %d connections, want one", n)
	}
}

func TestFailed_nobody_there(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ServiceUnknown", "NameHasNoOwner"} {
		b := newBus(t, answering("org.freedesktop.DBus.Error."+name))
		if got, err := new(systemd.Manager).Failed(t.Context(), b.socket); !errors.Is(err, systemd.ErrNone) {
			t.Errorf("%s: got %q, %v, want that there is none", name, got, err)
		}
	}
	b := newBus(t, answering("org.freedesktop.DBus.Error.AccessDenied"))
	got, err := new(systemd.Manager).Failed(t.Context(), b.socket)
	if err == nil || errors.Is(err, systemd.ErrNone) || !strings.Contains(err.Error(), "says the bus") {
		t.Errorf("denied: got %q, %v, want why", got, err)
	}
}

func TestFailed_never_hangs(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(net.Conn){
		"a bus that says nothing":        func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) },
		"a bus that only lets log in":    func(conn net.Conn) { _, _ = login(conn); _, _ = io.Copy(io.Discard, conn) },
		"a bus that hangs up":            func(net.Conn) {},
		"a bus that hangs up at the end": func(conn net.Conn) { _, _ = login(conn) },
		"no bus at all":                  func(conn net.Conn) { _, _ = io.WriteString(conn, "SSH-2.0-x\r\n\r\n") },
		"another answer":                 answering("", "text"),
		"another list":                   answering("", []string{"a.service"}),
		"garbage": func(conn net.Conn) {
			_, _ = login(conn)
			_, _ = conn.Write([]byte("l\x02\x01\x01\xff\xff\xff\x07garbage that goes on and on"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBus(t, serve)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			got, err := new(systemd.Manager).Failed(ctx, b.socket)
			if err == nil || errors.Is(err, systemd.ErrNone) || ctx.Err() != nil {
				t.Errorf("got %q, %v (%v), want an error in good time", got, err, ctx.Err())
			}
		})
	}
}

func TestFailed_ends_with_its_context(t *testing.T) {
	t.Parallel()
	b := newBus(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if got, err := new(systemd.Manager).Failed(ctx, b.socket); err == nil {
		t.Errorf("got %q", got)
	}
}
