package broker

import (
	"log/slog"

	"github.com/mochi-mqtt/server/v2/listeners"

	"piway/shared/guard"
)

// listenerID is also each client's Net.Listener.
const listenerID = "mqtts"

// A listener puts guard in the place of mochi's own listeners, which wait for ever for a first packet and stop for
// ever after one failed Accept.
type listener struct {
	b     *Broker
	ended chan struct{} // closed when Serve has returned
}

var _ listeners.Listener = (*listener)(nil)

func (l *listener) Init(*slog.Logger) error { return nil }
func (l *listener) ID() string              { return listenerID }
func (l *listener) Address() string         { return l.b.Addr().String() }
func (l *listener) Protocol() string        { return "tcp" }

func (l *listener) Serve(establish listeners.EstablishFn) {
	defer close(l.ended)
	l.b.guard.Serve(func(conn *guard.Conn) (err error) {
		defer func() { l.b.left(conn, err) }() // after a panic too
		return establish(listenerID, conn)
	})
}

// Close closes the sockets and leaves mochi's closer alone: that one first writes a DISCONNECT to every client, which
// MQTT 3.1.1 does not know and which blocks on a client that does not read. It waits for Serve because mochi's own
// wait group would race with a client that is just being established.
func (l *listener) Close(listeners.CloseFn) {
	_ = l.b.guard.Close() // nothing is left to do with a listener that does not close
	<-l.ended
}
