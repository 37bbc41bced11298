package broker

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"

	"piway/shared/guard"
	"piway/shared/tell"
)

// Quotas of IoT Core, none of them adjustable.
const (
	maxPayload      = 128 * 1024 // MQTT payload size: 128 KB
	maxClientID     = 128        // client id size in bytes
	MaxPublishes    = 100        // publishes a second and connection, in and out together; the excess is discarded
	maxBytes        = 512 * 1024 // throughput a second and connection; the excess is delayed
	MaxUnacked      = 100        // QoS 1 publishes of a client without PUBACK; then none is accepted
	maxFilters      = 8          // filters in a SUBSCRIBE
	maxSubscription = 50         // subscriptions of a connection
	maxKeepAlive    = 1200       // seconds: 0 or more than this becomes this
	minKeepAlive    = 30         // seconds: less becomes this
	connectEvery    = time.Second
	sessionExpiry   = 3600 // seconds that a persistent session outlives its connection
)

// Bounds of this stand-in.
const (
	packetSlack   = 1024 // for the topic and the header
	maxConns      = 2000
	maxWaiting    = 256 // connections before their CONNECT
	writesPending = 128 // messages waiting to be written to one subscriber
	firstPacket   = 10 * time.Second
	takeoverWait  = 5 * time.Second // for what is being done for a client whose id another one has
	sysInterval   = 3600            // seconds between mochi's $SYS messages, which nobody reads
)

// A Publish is one message from a client, or its last will.
type Publish struct {
	Topic, ClientID string
	// Payload belongs to the receiver.
	Payload []byte
	Time    time.Time
}

// A Request is what a client asks the policy for.
type Request struct {
	Action   string // iot:Connect, iot:Publish, iot:Subscribe, iot:Receive or iot:RetainPublish
	Resource string // client/ID, topic/TOPIC or topicfilter/FILTER
	ClientID string
	// ConnectAttributes of the connection: PersistentConnect, LastWill.
	ConnectAttributes []string
}

// Options say what a Broker needs; OnPublish and Log must be set.
type Options struct {
	// TLS must require and verify client certificates: the broker itself lets in whom TLS let in.
	// Nil means plain TCP and everybody.
	TLS *tls.Config
	// Endpoints are the server names that a client may ask for (SNI). One that asks for none is let in, as AWS does
	// ("not required but highly recommended"); none here means that any is right.
	Endpoints []string
	// Authorize is the policy: its error says why a request is denied. Nil allows everything.
	Authorize func(Request) error
	// OnPublish is called for each message before its PUBACK, in the client's order, from any goroutine.
	OnPublish func(Publish)
	// OnConnect, OnDisconnect and OnMetered tell what is charged beside OnPublish: connections with the size of their
	// CONNECT; and messages to subscribers, SUBSCRIBEs by their filters, PUBACKs of clients, and what is to be retained
	// once more (AWS IoT Core pricing, additional metering details). They may be nil.
	OnConnect    func(bytes int)
	OnDisconnect func()
	OnMetered    func(bytes int)
	// Now is the clock that the quotas go by; nil means time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// A Broker is a message broker. Its methods are safe for concurrent use.
type Broker struct {
	opt    Options
	log    *tell.Teller
	server *mqtt.Server
	guard  *guard.Listener
	gate   *gate
	counts counter

	mu       sync.Mutex // guards the fields below
	faults   Faults
	sessions map[string]*session // by client id
	conns    map[net.Conn]*session
	dialled  map[string]time.Time // the last CONNECT of a client id

	done chan struct{}  // closed at the end of Run
	late sync.WaitGroup // PUBACKs that are delayed
}

// Open listens on the TCP address; clients are served by Run, which also releases the address. The error is net's when
// the address cannot be had.
func Open(ctx context.Context, addr string, opt Options) (*Broker, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	b := &Broker{
		opt: opt, log: tell.New(opt.Log), done: make(chan struct{}),
		sessions: map[string]*session{}, conns: map[net.Conn]*session{}, dialled: map[string]time.Time{},
	}
	log := slog.New(quiet{opt.Log.Handler()})
	b.server = mqtt.New(&mqtt.Options{
		Capabilities: capabilities(), Logger: log, SysTopicResendInterval: sysInterval, InlineClient: true,
	})
	if err := b.server.AddHook(&hook{b: b}, nil); err != nil {
		return nil, fmt.Errorf("adding broker hook: %w", err)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err // says "listen tcp ADDR: …"
	}
	b.gate = newGate(ln, &b.counts)
	b.guard = guard.Wrap(b.gate, guard.Options{
		MaxConns: maxConns, MaxWaiting: maxWaiting, FirstPacket: firstPacket, MaxFirst: maxPayload + packetSlack,
		MaxPacket: maxPayload + packetSlack, TLS: endpointTLS(opt.TLS, opt.Endpoints), Log: b.log,
	})
	if err := b.server.AddListener(&listener{b: b, ended: make(chan struct{})}); err != nil {
		_ = b.guard.Close() // nothing was accepted
		return nil, fmt.Errorf("adding broker listener: %w", err)
	}
	return b, nil
}

func capabilities() *mqtt.Capabilities {
	c := mqtt.NewDefaultServerCapabilities()
	// What a header may announce, read into memory; the hook judges the payload itself.
	c.MaximumPacketSize = maxPayload + packetSlack
	c.MaximumClientWritesPending = writesPending
	c.MaximumSessionExpiryInterval = sessionExpiry
	c.MaximumInflight = 1024
	c.ReceiveMaximum = MaxUnacked // to a subscriber without its PUBACK
	return c
}

// Addr is the address listened on.
func (b *Broker) Addr() net.Addr { return b.guard.Addr() }

// Connections is the number of open connections.
func (b *Broker) Connections() int { return int(b.guard.Counts().Open) }

// Publish hands a message of the rules engine to its subscribers.
func (b *Broker) Publish(topic string, qos byte, payload []byte) error {
	if err := b.server.Publish(topic, payload, false, min(qos, 1)); err != nil {
		return fmt.Errorf("publishing to %q: %w", topic, err)
	}
	return nil
}

// Drop closes all connections now, without a word.
func (b *Broker) Drop() { b.gate.drop() }

// Run serves clients until ctx ends; then it closes all connections and returns when each client's goroutine has ended.
// Call it once. (mochi's housekeeping loop has been told to end by then; it has no way to be waited for.)
func (b *Broker) Run(ctx context.Context) error {
	defer b.log.Close()
	defer b.late.Wait()
	defer close(b.done)
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
