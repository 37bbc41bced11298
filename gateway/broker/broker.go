package broker

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"piway/shared/guard"
	"piway/shared/tell"
)

// Config says who may connect and how much they may ask for.
type Config struct {
	// ListenTLS is the TCP address where TLS is spoken, such as ":8883"; "" for none. Listen is the one for devices that
	// cannot, such as ":1883"; "" for none. It is listened on only while Plain is true.
	ListenTLS, Listen string
	// Plain reports whether any device may speak without TLS; nil means that it is so. Look asks it.
	Plain func() bool
	// Certificate returns what this side shows of itself in a TLS handshake. It must be set where ListenTLS is.
	Certificate func() *tls.Certificate
	// Identify returns the device that a public key is, by the SHA-256 of its SubjectPublicKeyInfo, "" if it is none's;
	// and whether it is revoked, when the device is whose it was. Nil knows none. A device with a key needs no password.
	Identify func(key [32]byte) (device string, revoked bool)
	// Join serves a connection of somebody who wants to become a device: TLS 1.3 with the protocol piway-join/1 (ALPN).
	// It is closed when Join returns, after a minute, and when others need its place, but for this not once Join has called
	// whole: then the client has sent all and waits. Nil takes none.
	Join func(c net.Conn, whole func())
	// Prefix of the device topics: PREFIX/DEVICE/samples, …/status, …/rejected, …/config.
	Prefix string
	// ScriptTopics are topics to which every device may publish samples, for scripts with a fixed topic.
	ScriptTopics []string
	// MaxConnections of devices in all, MaxPerAddress from one network address. One more is refused.
	MaxConnections, MaxPerAddress int
	// MaxPacket bounds one MQTT packet in bytes; a client that sends a larger one is disconnected.
	MaxPacket int
	// MaxPending bounds the publishes of one client that wait for their acknowledgement; then its reading waits.
	MaxPending int
	// Settings returns what a device is told on its config topic each time that it subscribes to it, and by Tell. Nil
	// denies the topic.
	Settings func(device string) []byte
	// ConnectTimeout is the time a new connection has for its first packet.
	ConnectTimeout time.Duration
	// Authenticate reports whether user and password are those of a device that may speak so: secure is with TLS. The
	// device is then known by the user name.
	Authenticate func(user, password string, secure bool) bool
	// Handle takes a publish of a device. It must call done once: nil acknowledges, an error closes the connection
	// unacknowledged, so that the client sends again. done may be called from any goroutine and does not block.
	// The payload is Handle's to keep. While Handle blocks, only this client's reading waits.
	Handle func(device string, payload []byte, done func(error))
	// Log must be set.
	Log *slog.Logger
}

// Bounds of the door, see doc.go.
const (
	maxWaiting       = 256 // connections that have not logged in
	maxWaitingPerNet = 16  // of them from one IPv4 address or one IPv6 /64
	maxConnect       = 4 << 10
	maxPerDevice     = 8 // connections
)

// Counts are totals since Open.
type Counts struct {
	guard.Counts
	// Denied publishes: acknowledged, and dropped for their topic.
	Denied int64
}

// A Broker is a listening server.
type Broker struct {
	cfg    Config
	log    *tell.Teller
	guard  *guard.Listener
	server *mqtt.Server
	begun  time.Time
	ids    atomic.Int64 // of sessions
	denied atomic.Int64
	acks   sync.WaitGroup // flushes under way
	closed chan struct{}
	served chan struct{} // closed when the last connection has ended
	flight *flight

	doors doors

	mu       sync.Mutex                   // guards the fields below
	sessions map[string]map[*session]bool // by device; whether it is let in
	past     map[string]Seen              // of devices without a session; when, since the broker began, in Ago
}

// Open listens. It serves nobody before Run.
func Open(ctx context.Context, cfg Config) (*Broker, error) {
	b := &Broker{
		cfg: cfg, log: tell.New(cfg.Log), begun: time.Now(),
		closed: make(chan struct{}), served: make(chan struct{}), sessions: map[string]map[*session]bool{},
		past:   map[string]Seen{},
		flight: newFlight(maxInFlight, maxInFlightPerDevice),
	}
	b.guard = guard.New(guard.Options{
		MaxConns: cfg.MaxConnections, MaxPerHost: cfg.MaxPerAddress,
		MaxWaiting: maxWaiting, MaxWaitingPerNet: maxWaitingPerNet,
		FirstPacket: cfg.ConnectTimeout, MaxFirst: maxConnect, MaxPacket: cfg.MaxPacket, Log: b.log,
	})
	err := b.openDoors(ctx)
	if err == nil {
		b.server, err = newServer(b)
	}
	if err != nil {
		_ = b.guard.Close() // the first error is the one to tell
		return nil, err
	}
	return b, nil
}

// Counts returns the totals so far.
func (b *Broker) Counts() Counts { return Counts{Counts: b.guard.Counts(), Denied: b.denied.Load()} }

// newServer sets the library up: what its defaults leave open is closed here.
func newServer(b *Broker) (*mqtt.Server, error) {
	caps := mqtt.NewDefaultServerCapabilities()
	caps.MaximumClients = math.MaxInt64              // the guard counts
	caps.MaximumPacketSize = uint32(b.cfg.MaxPacket) //nolint:gosec // validated to a few MiB
	caps.MaximumClientWritesPending = 1              // 8192 by default, 64 KiB of channel per client; it forwards nothing
	caps.MaximumSessionExpiryInterval = 0            // a session ends with its connection
	// Left as they are: MaximumQos 2, since at 1 a publish with QoS 2 is answered by a PUBACK; RetainAvailable 1, since
	// at 0 a retained will is refused with a code that MQTT 3.1.1 does not know. Nothing is retained: see OnPublish.
	s := mqtt.New(&mqtt.Options{
		Capabilities:            caps,
		ClientNetReadBufferSize: libraryReadSize,
		SysTopicResendInterval:  3600, // nobody may read $SYS, and each round stops the world for its figures
		Logger:                  libraryLog(b.cfg.Log),
	})
	if err := s.AddHook(&hook{b: b}, nil); err != nil {
		return nil, fmt.Errorf("starting the broker: %w", err)
	}
	if err := s.AddListener(&door{b: b}); err != nil {
		return nil, fmt.Errorf("starting the broker: %w", err)
	}
	return s, nil
}

// Run serves until ctx ends, then closes every connection and returns when no goroutine of the broker is left.
func (b *Broker) Run(ctx context.Context) error {
	if err := b.server.Serve(); err != nil {
		return fmt.Errorf("serving MQTT: %w", err)
	}
	var looking sync.WaitGroup
	looking.Go(func() { b.keepLooking(ctx) })
	<-ctx.Done()
	close(b.closed)
	looking.Wait()
	b.flight.end()
	err := b.guard.Close() // idle sockets too, on which the library's Close would wait for ever
	if cerr := b.server.Close(); err == nil {
		err = cerr
	}
	<-b.served // the library does not wait for its listeners
	b.acks.Wait()
	b.log.Close()
	return err
}

// Disconnect closes all connections of a device, those too that are being made, for when it is removed.
func (b *Broker) Disconnect(device string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.sessions[device] {
		s.shut() // who removed it knows why
	}
}

// Devices returns the names of the connected devices, in order.
func (b *Broker) Devices() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for device, sessions := range b.sessions {
		for _, connected := range sessions {
			if connected {
				names = append(names, device)
				break
			}
		}
	}
	slices.Sort(names)
	return names
}

func (b *Broker) topic(device, leaf string) string { return b.cfg.Prefix + "/" + device + "/" + leaf }
