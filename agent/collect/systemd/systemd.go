// Package systemd asks systemd which units have failed. Its one promise: it never hangs, and starts nothing.
//
// It asks by the system bus, which every user may. The connection stays, because opening one costs three times as much
// as a question. Nothing is subscribed to, so that the bus sends nothing in between that would wake the agent, as the
// library github.com/coreos/go-systemd/v22/dbus has it do at the end of each of systemd's jobs.
package systemd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

// ErrNone is returned where there is no system bus, or no systemd on it.
var ErrNone = errors.New("no systemd here")

// patience is how long the bus and systemd may take together.
const patience = 3 * time.Second

// A Manager is systemd as one asks it. The zero value is ready. It is safe for concurrent use.
type Manager struct {
	mu     sync.Mutex // of all that follows
	conn   *dbus.Conn // nil if there is none
	socket string     // that it goes to
}

// Failed returns the names of the units that have failed, sorted: those that systemctl --failed shows. Socket is the
// system bus's.
func (m *Manager) Failed(ctx context.Context, socket string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn != nil && m.conn.Connected() && m.socket == socket {
		names, err := failed(ctx, m.conn)
		if err == nil || answered(err) || ctx.Err() != nil {
			return m.told(names, err)
		} // else the bus may have been started anew
	}
	m.close()
	conn, err := connect(ctx, socket)
	if err != nil {
		return nil, err
	}
	m.conn, m.socket = conn, socket
	return m.told(failed(ctx, conn))
}

// told gives up the connection after an error that is no answer: a late answer would be in the way of the next.
func (m *Manager) told(names []string, err error) ([]string, error) {
	switch {
	case err == nil:
		return names, nil
	case !answered(err):
		m.close()
	case slices.Contains(noSystemd, errorName(err)):
		return nil, ErrNone
	}
	return nil, fmt.Errorf("asking systemd by the system bus: %w", err)
}

// Close ends the connection, if there is one, after the question that is under way. The Manager may be used again.
func (m *Manager) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.close()
}

func (m *Manager) close() {
	if m.conn != nil {
		_ = m.conn.Close() // it is of no use any more
		m.conn = nil
	}
}

// connect opens the bus's socket. The library's own way of doing that has no deadline.
func connect(ctx context.Context, socket string) (*dbus.Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to the system bus: %w", err)
	}
	conn, err := dbus.NewConn(raw)
	if err != nil {
		_ = raw.Close() // nothing was sent
		return nil, err
	}
	if err := greet(ctx, raw, conn); err != nil {
		_ = conn.Close() // that error says more
		return nil, fmt.Errorf("greeting the system bus on %s: %w", socket, err)
	}
	return conn, nil
}

// greet logs in, by user number: a name would have to be looked up. What ctx bounds is this, not the connection.
func greet(ctx context.Context, raw net.Conn, conn *dbus.Conn) error {
	defer context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })() // it ends what waits, or it has ended
	if err := conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Geteuid()))}); err != nil {
		return err
	}
	return conn.Hello()
}

// A unit is what org.freedesktop.systemd1(5) lists of each.
type unit struct {
	Name, Description, Load, Active, Sub, Follows string
	Path                                          dbus.ObjectPath
	Job                                           uint32
	JobType                                       string
	JobPath                                       dbus.ObjectPath
}

// failed asks. The bus must not start a systemd where there is none.
func failed(ctx context.Context, conn *dbus.Conn) ([]string, error) {
	const name, path = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
	call := conn.Object(name, path).CallWithContext(ctx, name+".Manager.ListUnitsFiltered", dbus.FlagNoAutoStart,
		[]string{"failed"})
	var units []unit
	if err := call.Store(&units); err != nil {
		return nil, err
	}
	names := make([]string, len(units))
	for i, u := range units {
		names[i] = u.Name
	}
	slices.Sort(names)
	return names, nil
}

// answered reports whether an error is the bus's or systemd's answer.
func answered(err error) bool { return errorName(err) != "" }

// errorName returns an answer's name, "" for an error that is none.
func errorName(err error) string {
	problem, _ := errors.AsType[dbus.Error](err)
	return problem.Name
}

// noSystemd are a bus's answers of which nobody of that name is there.
var noSystemd = []string{"org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner"}
