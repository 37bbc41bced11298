package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"piway/shared/config"
	"piway/shared/guard"
)

// doors are where devices come in. Both are within one guard's bounds.
type doors struct {
	secure *guard.Door // nil for none

	mu      sync.Mutex  // guards the fields below
	plain   *guard.Door // nil while it is closed
	failing bool        // it should be open, and that is told
}

// lookEvery is how often Look is called by Run: a port that was taken may be free again.
const lookEvery = 5 * time.Second

// openDoors listens. Where TLS is spoken, a plain address that cannot be had ends nothing: it is told, and tried again.
func (b *Broker) openDoors(ctx context.Context) (err error) {
	if b.cfg.ListenTLS != "" {
		b.doors.secure, err = b.guard.Open(ctx, b.cfg.ListenTLS, guard.DoorOptions{
			TLS: b.tlsConfig(), Protocols: b.protocols(),
			Wrong: "TLS on the device, with the certificate that piway-gateway ca prints; for one that knows no TLS: " +
				"piway-gateway device add NAME --plain, and the port of broker.listen",
		})
		if err != nil {
			return listenError("broker.listen_tls", b.cfg.ListenTLS, ":8884", ":8883", err)
		}
	}
	if err := b.look(ctx); err != nil {
		if b.doors.secure == nil {
			return err
		}
		b.tellPlain(err)
	}
	return nil
}

// Look opens the plain door, or closes it with all its connections, as Config.Plain says now. What fails is told, and
// tried again until it is right.
func (b *Broker) Look() {
	b.doors.mu.Lock()
	defer b.doors.mu.Unlock()
	b.tellPlain(b.look(context.Background()))
}

// look is Look, which returns what failed. doors.mu is held, or nobody else knows the broker yet.
func (b *Broker) look(ctx context.Context) (err error) {
	wanted := b.cfg.Listen != "" && (b.cfg.Plain == nil || b.cfg.Plain())
	switch {
	case wanted == (b.doors.plain != nil):
		return nil
	case !wanted:
		err, b.doors.plain = b.doors.plain.Close(), nil
		b.cfg.Log.Info("no device speaks without TLS any more; that port is closed", "listen", b.cfg.Listen)
		return err
	}
	door, err := b.guard.Open(ctx, b.cfg.Listen, guard.DoorOptions{Wrong: b.useTLSPort()})
	if errors.Is(err, net.ErrClosed) {
		return nil // the broker has ended
	}
	if err != nil {
		return listenError("broker.listen", b.cfg.Listen, ":1884", ":1883", err)
	}
	b.doors.plain = door
	if b.doors.secure != nil {
		b.cfg.Log.Info("devices that speak without TLS are let in: anybody on the LAN can read what they send",
			"listen", door.Addr().String(), "try", "piway-gateway device list names them")
	}
	return nil
}

// useTLSPort is what to do where TLS is spoken to the plain port.
func (b *Broker) useTLSPort() string {
	if b.doors.secure == nil {
		return ""
	}
	_, port, _ := net.SplitHostPort(b.doors.secure.Addr().String())
	return "port " + port + " on the device, where TLS is spoken"
}

// tellPlain tells once that the plain door cannot be opened, and once that it is.
func (b *Broker) tellPlain(err error) {
	switch {
	case err != nil && !b.doors.failing:
		b.cfg.Log.Warn("devices that speak without TLS cannot connect; it is tried again", "err", err, "try", config.Hint(err))
	case err == nil && b.doors.failing:
		b.cfg.Log.Info("devices that speak without TLS can connect again", "listen", b.cfg.Listen)
	}
	b.doors.failing = err != nil
}

// keepLooking calls Look until ctx ends.
func (b *Broker) keepLooking(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			b.Look()
		case <-ctx.Done():
			return
		}
	}
}

// Addr is the address for devices that speak without TLS, nil while it is not listened on.
func (b *Broker) Addr() net.Addr {
	b.doors.mu.Lock()
	defer b.doors.mu.Unlock()
	if b.doors.plain == nil {
		return nil
	}
	return b.doors.plain.Addr()
}

// AddrTLS is the address where TLS is spoken, nil for none.
func (b *Broker) AddrTLS() net.Addr {
	if b.doors.secure == nil {
		return nil
	}
	return b.doors.secure.Addr()
}

func listenError(key, addr, other, every string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return config.Try(fmt.Errorf("%s: %s is taken by another program", key, addr),
			fmt.Sprintf("stop the other MQTT broker (systemctl stop mosquitto), or set %s to another port, such as %q", key, other))
	}
	return config.Try(fmt.Errorf("%s: %w", key, err), listenHint(err, every))
}

func listenHint(err error, every string) string {
	switch {
	case errors.Is(err, syscall.EACCES):
		return "a port above 1023, or AmbientCapabilities=CAP_NET_BIND_SERVICE and the same CapabilityBoundingSet in the unit"
	case errors.Is(err, syscall.EINVAL):
		return "the name of an interface of this machine behind %; ip -br link shows them"
	}
	return fmt.Sprintf("an address of this machine (ip -br addr shows them), or %q for all of them", every)
}
