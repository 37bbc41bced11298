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
	mu            sync.Mutex  // guards the fields below
	secure, plain *guard.Door // nil while it is closed
	// What should be open and is not, which is told.
	secureFails, plainFails bool
}

// lookEvery is how often Look is called by Run: a port that was taken may be free again.
const lookEvery = 5 * time.Second

// openDoors listens. A plain address that cannot be had ends nothing where TLS is spoken, and the other way round where
// devices are known that speak plain, as after an upgrade: it is told, and tried again.
func (b *Broker) openDoors(ctx context.Context) error {
	b.doors.mu.Lock()
	defer b.doors.mu.Unlock()
	if err := b.openSecure(ctx); err != nil {
		if !b.wantsPlain() {
			return err
		}
		b.tellSecure(err)
	}
	if err := b.look(ctx); err != nil {
		if b.doors.secure == nil {
			return err
		}
		b.tellPlain(err)
	}
	return nil
}

// openSecure opens the door where TLS is spoken, if there is to be one and it is not open. doors.mu is held.
func (b *Broker) openSecure(ctx context.Context) error {
	if b.cfg.ListenTLS == "" || b.doors.secure != nil {
		return nil
	}
	door, err := b.guard.Open(ctx, b.cfg.ListenTLS, guard.DoorOptions{
		TLS: b.tlsConfig(), Protocols: b.protocols(),
		Wrong: "TLS on the device, with the certificate that piway-gateway ca prints; for one that knows no TLS: " +
			"piway-gateway device add NAME --plain, and the port of broker.listen",
	})
	switch {
	case errors.Is(err, net.ErrClosed):
		return nil // the broker has ended
	case err != nil:
		return listenError("broker.listen_tls", b.cfg.ListenTLS, ":8884", ":8883", err)
	}
	b.doors.secure = door
	return nil
}

// wantsPlain says whether anybody is to come in without TLS.
func (b *Broker) wantsPlain() bool {
	return b.cfg.Listen != "" && (b.cfg.Plain == nil || b.cfg.Plain())
}

// Look opens the plain door, or closes it with all its connections, as Config.Plain says now. What fails is told, and
// tried again until it is right.
func (b *Broker) Look() {
	b.doors.mu.Lock()
	defer b.doors.mu.Unlock()
	b.tellSecure(b.openSecure(context.Background()))
	b.tellPlain(b.look(context.Background()))
}

// look is Look of the plain door, which returns what failed. doors.mu is held.
func (b *Broker) look(ctx context.Context) (err error) {
	wanted := b.wantsPlain()
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
	if b.cfg.ListenTLS != "" {
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

// tellSecure tells once that the door where TLS is spoken cannot be opened, and once that it is.
func (b *Broker) tellSecure(err error) {
	switch {
	case err != nil && !b.doors.secureFails:
		b.cfg.Log.Error("devices that speak TLS cannot connect; it is tried again", "err", err, "try", config.Hint(err))
	case err == nil && b.doors.secureFails:
		b.cfg.Log.Info("devices that speak TLS can connect", "listen_tls", b.doors.secure.Addr().String())
	}
	b.doors.secureFails = err != nil
}

// tellPlain tells once that the plain door cannot be opened, and once that it is.
func (b *Broker) tellPlain(err error) {
	switch {
	case err != nil && !b.doors.plainFails:
		b.cfg.Log.Warn("devices that speak without TLS cannot connect; it is tried again", "err", err, "try", config.Hint(err))
	case err == nil && b.doors.plainFails:
		b.cfg.Log.Info("devices that speak without TLS can connect again", "listen", b.cfg.Listen)
	}
	b.doors.plainFails = err != nil
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

// AddrTLS is the address where TLS is spoken, nil while it is not listened on.
func (b *Broker) AddrTLS() net.Addr {
	b.doors.mu.Lock()
	defer b.doors.mu.Unlock()
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
