package broker

import (
	"log/slog"

	"github.com/mochi-mqtt/server/v2/listeners"

	"piway/shared/guard"
)

// door lets the library serve what the guard admits, each connection wrapped in a session.
type door struct{ b *Broker }

// Init, ID, Address and Protocol are asked by the library for its own bookkeeping.
func (d *door) Init(*slog.Logger) error { return nil }

// ID names the listener.
func (d *door) ID() string { return "lan" }

// Address is for the library's log.
func (d *door) Address() string { return d.b.cfg.Listen }

// Protocol is always tcp.
func (d *door) Protocol() string { return "tcp" }

// Serve runs establish for each connection, in a goroutine that the guard owns: its deadline, bounds and recover apply.
func (d *door) Serve(establish listeners.EstablishFn) {
	defer close(d.b.served)
	d.b.guard.Serve(func(c *guard.Conn) error {
		s := newSession(d.b, c)
		defer s.end()
		err := establish(d.ID(), s)
		s.tellEnd(err)
		return err
	})
}

// Close shuts the door, and with it every connection. It does not call the library's way of telling the clients: that
// takes a read lock twice and hangs for ever when a client leaves in between.
func (d *door) Close(listeners.CloseFn) {
	_ = d.b.guard.Close() // closed by Run already, which has its error
}
