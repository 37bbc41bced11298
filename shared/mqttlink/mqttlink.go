package mqttlink

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// Limits of one connection.
const (
	// DefaultKeepAlive is used when Options.KeepAlive is 0.
	DefaultKeepAlive = 30 * time.Second

	connectTimeout = 10 * time.Second
	pingTimeout    = 10 * time.Second
	writeTimeout   = 10 * time.Second
	quiesce        = 250 // milliseconds that Close gives the DISCONNECT packet
	// the longest to which AWS IoT Core and the gateway keep: they end a connection that is silent for half as long again
	maxKeepAlive = 20 * time.Minute
)

// ErrClosed is the cause of a Link that its owner closed.
var ErrClosed = errors.New("link closed")

// Options say where and as whom to connect.
type Options struct {
	// Broker is tcp://host:port or tls://host:port; the port may be left out (1883, 8883). An IPv6 address of the link
	// has its interface, as in tcp://[fe80::1%eth0]. A .local name that the system does not know is looked up on the
	// local network.
	Broker string
	// ClientID must be unique at the broker: a second connection with it ends the first.
	ClientID string
	// Username and Password are sent if Username is not empty.
	Username, Password string
	// TLS is used with tls:// only; nil means the system's roots. An empty ServerName becomes the broker's host.
	TLS *tls.Config
	// Reach bounds connecting and the TLS handshake, so that another address can be tried; 0 means the 10 s of all.
	Reach time.Duration
	// KeepAlive is the longest silence on the connection; 0 means DefaultKeepAlive. It is kept between 1 s and 20 min.
	KeepAlive time.Duration
	// Will is published by the broker, with QoS 1 and not retained, when the connection ends without Close. It may be
	// nil.
	Will *Message
	// Log gets what happens to the connection, at level Debug. It may be nil.
	Log *slog.Logger
	// Dial makes the connection below all that, for tests; nil means Dial.
	Dial Dialer
}

// A Message is a payload and where it goes.
type Message struct {
	Topic   string
	Payload []byte
}

// A Link is one established connection. Its methods may be called from several goroutines.
// Close it when done with it, also after it was lost.
type Link struct {
	client paho.Client
	wire   *wire
	log    *slog.Logger
	lost   chan struct{}

	mu  sync.Mutex // guards err, and pending.Add against Close's Wait
	err error

	pending sync.WaitGroup
	closing sync.Once
}

// Connect dials the broker and returns after its CONNACK. It gives up when ctx ends, and after 10 s at the latest.
// A login that the broker refuses is ErrLogin; every error names the broker and a short cause.
func Connect(ctx context.Context, opt Options) (*Link, error) {
	addr, secure, err := parseBroker(opt.Broker)
	if err != nil {
		return nil, err
	}
	if opt.TLS != nil && !secure {
		return nil, fmt.Errorf("broker %q: a TLS configuration needs tls://", opt.Broker)
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	reach, reached := context.WithTimeout(ctx, cmp.Or(opt.Reach, connectTimeout))
	defer reached()
	if opt.Dial == nil {
		opt.Dial = Dial
	}
	conn, err := open(reach, opt.Dial, addr, secure, opt.TLS)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", opt.Broker, explain(reach, err))
	}
	return handshake(ctx, newWire(conn), opt)
}

// handshake exchanges CONNECT and CONNACK over w, which it owns from now on.
func handshake(ctx context.Context, w *wire, opt Options) (*Link, error) {
	l := &Link{wire: w, log: opt.Log.With("broker", opt.Broker), lost: make(chan struct{})}
	w.in.tooLong = func(n int) { l.log.Debug("a message is too large and not read", "bytes", n) }
	l.client = paho.NewClient(clientOptions(opt, w, l.fail))
	w.keep.every = keepAliveOf(opt)
	w.keep.dead = func(err error) {
		l.fail(err)
		_ = w.Close() // its read ends the library
	}
	// Closing the socket is what ends paho's wait for the CONNACK.
	stop := context.AfterFunc(ctx, func() { _ = w.Close() }) // the read reports it
	token := l.client.Connect()
	<-token.Done()
	stop()
	err := token.Error()
	if code := w.connack(); code > 0 {
		err = refused(code) // paho takes codes that it does not know for success
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("connecting to %s: %w", opt.Broker, explain(ctx, err))
	}
	l.startKeepAlive()
	l.log.DebugContext(ctx, "connected", "client", opt.ClientID)
	return l, nil
}

// clientOptions is the only set of paho options under which a completed token means a PUBACK.
func clientOptions(opt Options, w *wire, lost func(error)) *paho.ClientOptions {
	o := paho.NewClientOptions().
		AddBroker("tcp://broker"). // it parses URLs its own way, and dials nothing: see wire.take
		SetClientID(opt.ClientID).
		SetUsername(opt.Username).
		SetPassword(opt.Password).
		SetProtocolVersion(4).   // else every refused connect is tried again as MQTT 3.1
		SetCleanSession(true).   // with a kept session, tokens of a lost connection stay pending for ever
		SetAutoReconnect(false). // its resume completes un-acknowledged tokens with success
		SetConnectRetry(false).  // the owner retries
		SetResumeSubs(false).
		SetOrderMatters(false). // a handler may then take its time without holding up PUBACKs
		SetKeepAlive(0).        // wire pings
		SetConnectTimeout(connectTimeout).
		SetWriteTimeout(writeTimeout).
		SetCustomOpenConnectionFn(w.take).
		SetConnectionLostHandler(func(_ paho.Client, err error) { lost(err) })
	if opt.Will != nil {
		o.SetBinaryWill(opt.Will.Topic, opt.Will.Payload, 1, false)
	}
	return o
}

// keepAliveOf is the longest silence, in whole seconds.
func keepAliveOf(opt Options) time.Duration {
	return min(max(cmp.Or(opt.KeepAlive, DefaultKeepAlive), time.Second), maxKeepAlive).Truncate(time.Second)
}

// startKeepAlive does so unless the connection is lost already.
func (l *Link) startKeepAlive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.wire.keep.start()
	}
}

// Lost is closed when the connection is gone, for whatever reason.
func (l *Link) Lost() <-chan struct{} { return l.lost }

// Err is nil while the connection stands, then why it ended: ErrClosed after Close, else the network's error.
func (l *Link) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Close says goodbye to the broker, so that the will is not published, and ends the connection.
// It returns when every delivery is settled, within a second. Closing twice is allowed.
func (l *Link) Close() {
	l.closing.Do(func() {
		l.client.Disconnect(quiesce)
		_ = l.wire.Close() // nothing is pending on it that another error would not tell
		l.fail(ErrClosed)
	})
	l.pending.Wait()
}

// fail marks the link as lost because of err; the first cause stays.
func (l *Link) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = err
	l.wire.keep.stop()
	close(l.lost)
	l.log.Debug("connection ended", "err", err)
}
