package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"piway/shared/testlog"
)

// An end is one of a connection, or of a try to make one.
type end struct {
	err, cause error
	lasted     time.Duration
	under      bool // a message was under way
	took       bool // one was acknowledged
	no         bool // there was no connection
}

// rows returns n times what came one after the other.
func rows(n int, ends ...end) []end { return slices.Repeat(ends, n) }

// Only that the other side closes one connection after the other, soon and for nothing that is known, is another
// program's doing. What looks like it must not slow the gateway down.
func TestUplink_noteShort(t *testing.T) {
	const soon, late = 5 * time.Second, time.Hour
	closed := end{cause: io.EOF, lasted: soon}
	acked := end{cause: io.EOF, lasted: soon, under: true, took: true}
	under := end{cause: io.EOF, lasted: soon, under: true}
	parked := end{err: errParked, lasted: soon, took: true, under: true}
	denied := end{err: fmt.Errorf("%w: %w", errDenied, io.EOF), cause: io.EOF, lasted: soon, under: true}
	reset := end{cause: &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, lasted: soon}
	deadLine := end{cause: &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, lasted: soon}
	silent := end{cause: errors.New("pingresp not received, disconnecting"), lasted: soon}
	stalled := end{err: errStalled, lasted: soon, under: true}
	noRoute := end{no: true, err: &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}}
	noName := end{no: true, err: &net.DNSError{Name: "aws"}}
	noAnswer := end{no: true, err: fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)}
	tooSoon := end{no: true, err: fmt.Errorf("connection closed by the broker before it answered: %w", io.EOF)}
	long := end{cause: io.EOF, lasted: late}
	for name, c := range map[string]struct {
		ends []end
		want bool
	}{
		"closed soon":                {rows(maxShort, closed), true},
		"with acknowledged messages": {rows(maxShort, acked), true},
		"reset":                      {rows(maxShort/2, reset, closed), true},
		"not often":                  {rows(maxShort-1, closed), false},
		"a long one between":         {slices.Concat(rows(maxShort-1, closed), rows(1, long), rows(maxShort-1, closed)), false},
		"a long one after":           {slices.Concat(rows(maxShort, closed), rows(1, long)), false},
		"a CONNECT that is too soon": {slices.Concat(rows(2, closed), rows(1, tooSoon), rows(maxShort-2, closed)), true},
		"a message to blame":         {rows(maxShort+1, under), false},
		"one that may be":            {slices.Concat(rows(1, closed, under), rows(maxShort-1, closed)), true},
		"poison after poison":        {rows(maxShort, acked, under, under, parked), false},
		"a policy that denies":       {rows(maxShort, acked, under, under, denied), false},
		"an outage between": {
			slices.Concat(rows(maxShort-1, closed), rows(1, noRoute, noName, noAnswer), rows(maxShort-1, closed)), false,
		},
		"an outage after":                  {slices.Concat(rows(maxShort, closed), rows(1, noRoute)), false},
		"a bad line":                       {slices.Concat(rows(maxShort, deadLine, closed), rows(1, silent), rows(3, closed)), false},
		"given up":                         {rows(maxShort, stalled), false},
		"given up between":                 {slices.Concat(rows(maxShort-1, closed), rows(1, stalled), rows(2, closed)), false},
		"this side, with nothing to blame": {rows(maxShort, end{}), false},
	} {
		t.Run(name, func(t *testing.T) {
			u := New(quotas(), nil)
			for _, e := range c.ends {
				if e.no {
					u.noteNoLine(e.err)
					continue
				}
				if e.err == nil {
					e.err = e.cause
				}
				u.took, u.flight = e.took, nil
				if e.under {
					u.flight = []*message{{}}
				}
				u.noteShort(e.err, e.cause, e.lasted)
			}
			if got := u.sharesID(); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
			if got := u.Away(); (got == SharedInterval) != c.want {
				t.Errorf("stays away for %s", got)
			}
		})
	}
}

// While another program has the client id there is one CONNECT in ten minutes; a connection that lasts ends that.
func TestUplink_await_sharedID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := new(testlog.Log)
		cfg := quotas()
		cfg.Log = slog.New(slog.NewTextHandler(said, nil))
		u := New(cfg, nil)
		waited := func() time.Duration {
			u.dialled = time.Now()
			u.served = time.Now()
			time.Sleep(5 * time.Second)
			u.retry.Reset() // messages were acknowledged
			u.noteShort(io.EOF, io.EOF, 5*time.Second)
			if err := u.await(t.Context()); err != nil {
				t.Fatal(err)
			}
			return time.Since(u.dialled)
		}
		for n := 1; n <= 2*maxShort; n++ {
			got := waited()
			if n < maxShort && (got < 11*time.Second || got > 17*time.Second) || n >= maxShort && got != SharedInterval {
				t.Errorf("after %d short connections: the next came after %s", n, got)
			}
		}
		if lines := said.With("same client id"); len(lines) != 1 || !strings.Contains(lines[0], "every=10m0s") {
			t.Errorf("told %q", lines)
		}
		u.served = time.Now()
		time.Sleep(shortest)
		u.noteLasts(time.Now())
		if lines := said.With("lasts again"); len(lines) != 1 || u.Away() != 0 {
			t.Errorf("told %q, stays away for %s", lines, u.Away())
		}
		if got := waited(); got < 11*time.Second || got > 17*time.Second {
			t.Errorf("after one that lasted: the next came after %s", got)
		}
	})
}
