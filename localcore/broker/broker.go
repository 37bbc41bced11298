// Package broker is IoT Core's message broker: MQTT 3.1.1 over mutual TLS. Its one promise: a PUBACK says that the
// rules engine was given the message, and not that an action succeeded.
//
// It is the only importer of mochi in this program.
package broker

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"piway/shared/guard"
)

// Limits of a connection. Those with a source are IoT Core's quotas.
const (
	maxPayload   = 128 * 1024 // MQTT payload size: 128 KB
	packetSlack  = 1024       // for the topic (256 bytes and a Basic Ingest prefix) and the header
	maxKeepAlive = 1200       // seconds: 0 or more than this becomes this
	minKeepAlive = 30         // seconds: less becomes this

	basicIngest   = "$aws/rules/"
	maxConns      = 2000
	writesPending = 128 // messages waiting to be written to one subscriber
	firstPacket   = 10 * time.Second
	sysInterval   = 3600 // seconds between mochi's $SYS messages, which nobody reads
)

// A Publish is one message from a client, or its last will.
type Publish struct {
	Topic, ClientID string
	// Payload belongs to the receiver.
	Payload []byte
	Time    time.Time
}

// Options say what a Broker needs; OnPublish and Log must be set.
type Options struct {
	// TLS must require and verify client certificates: the broker itself lets in whom TLS let in.
	// Nil means plain TCP and everybody.
	TLS *tls.Config
	// OnPublish is called for each message before its PUBACK, in the client's order, from any goroutine.
	OnPublish func(Publish)
	Log       *slog.Logger
}

// A Broker is a message broker. Its methods are safe for concurrent use.
type Broker struct {
	server *mqtt.Server
	guard  *guard.Listener
}

// Open listens on the TCP address; clients are served by Run, which also releases the address. The error is net's when
// the address cannot be had.
func Open(ctx context.Context, addr string, opt Options) (*Broker, error) {
	log := slog.New(quiet{opt.Log.Handler()})
	server := mqtt.New(&mqtt.Options{Capabilities: capabilities(), Logger: log, SysTopicResendInterval: sysInterval})
	if err := server.AddHook(&hook{server: server, publish: opt.OnPublish}, nil); err != nil {
		return nil, fmt.Errorf("adding broker hook: %w", err)
	}
	g, err := guard.Listen(ctx, addr, guard.Options{
		MaxConns: maxConns, FirstPacket: firstPacket, TLS: opt.TLS, Log: opt.Log,
	})
	if err != nil {
		return nil, err // says "listen tcp ADDR: …"
	}
	if err := server.AddListener(&listener{guard: g, ended: make(chan struct{})}); err != nil {
		_ = g.Close() // nothing was accepted
		return nil, fmt.Errorf("adding broker listener: %w", err)
	}
	return &Broker{server: server, guard: g}, nil
}

func capabilities() *mqtt.Capabilities {
	c := mqtt.NewDefaultServerCapabilities()
	// What a header may announce, read into memory; the hook judges the payload itself.
	c.MaximumPacketSize = maxPayload + packetSlack
	c.MaximumClientWritesPending = writesPending
	c.MaximumSessionExpiryInterval = 3600 // persistent session expiry: 3600 s
	c.MaximumInflight = 1024
	return c
}

// Addr is the address listened on.
func (b *Broker) Addr() net.Addr { return b.guard.Addr() }

// Connections is the number of open connections.
func (b *Broker) Connections() int { return int(b.guard.Counts().Open) }

// Run serves clients until ctx ends; then it closes all connections and returns when each client's goroutine has ended.
// Call it once. (mochi's housekeeping loop has been told to end by then; it has no way to be waited for.)
func (b *Broker) Run(ctx context.Context) error {
	if err := b.server.Serve(); err != nil {
		_ = b.guard.Close() // the first error is the one to tell
		return fmt.Errorf("starting broker: %w", err)
	}
	<-ctx.Done()
	if err := b.server.Close(); err != nil {
		return fmt.Errorf("stopping broker: %w", err)
	}
	return nil
}
