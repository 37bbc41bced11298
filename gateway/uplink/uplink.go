package uplink

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"piway/shared/backoff"
	"piway/shared/mqttlink"
)

// Quotas of one connection to IoT Core, none of them adjustable (AWS IoT Core quotas, message broker).
const (
	// MaxPublishes a second; what exceeds it is silently discarded.
	MaxPublishes = 100
	// MaxBytes a second; what exceeds it is delayed.
	MaxBytes = 512 * 1024
	// MaxWindow of publishes without PUBACK; beyond it none is accepted.
	MaxWindow = 100
	// MaxPayload of one publish.
	MaxPayload = 128 * 1024
)

// Config says where to and how fast.
type Config struct {
	// Broker is the endpoint, such as tls://abc-ats.iot.eu-central-1.amazonaws.com:8883.
	Broker   string
	ClientID string
	Topic    string
	// Former is a topic of an earlier version, for UseFormer; empty for none.
	Former string
	// TLS returns what proves the gateway at a time, and is asked before each connection; an error means that there is
	// none now, and why. A zero time asks for no validity. Nil for none.
	TLS func(now time.Time) (*tls.Config, error)
	// Window bounds the messages between the source's durable position and the last one published, 1 to MaxWindow.
	Window int
	// PublishesPerSecond and BytesPerSecond are kept in every interval of one second.
	PublishesPerSecond, BytesPerSecond int
	// SettleAfter is how long PUBACKs are gathered before the source is told, unless most of the window is used.
	SettleAfter time.Duration
	// AckTimeout is how long a PUBACK may take before the connection is given up.
	AckTimeout time.Duration
	// StallAfter is how long messages may wait without any PUBACK before the connection is given up; 0 means for ever.
	StallAfter time.Duration
	// ConnectInterval is the least time between two CONNECTs, MaxBackoff the longest after failures, before jitter.
	ConnectInterval, MaxBackoff time.Duration
	// SharedInterval is that while another program seems to have the client id; 0 means the constant of that name.
	SharedInterval time.Duration
	KeepAlive      time.Duration
	// Log must be set.
	Log *slog.Logger
	// Dial makes the connection, for tests; nil means the network's.
	Dial mqttlink.Dialer
}

// A Source is where messages come from. Next is called from one goroutine, the others from another.
type Source interface {
	// Next returns the message after the last one it returned, waiting for it. It is not asked for one twice: the
	// uplink keeps what is not acknowledged. It is asked for none before the first connection.
	Next(ctx context.Context) (payload []byte, err error)
	// Acked says that IoT Core has acknowledged the n oldest messages that Next returned and that were not told before.
	// It returns nil when that is durable, which may wait for what else becomes durable, until Hurry.
	Acked(ctx context.Context, n int) error
	// Hurry says that Acked is waited for, or the next one will be. It does not block.
	Hurry()
	// Park sets the oldest of those messages aside, for which IoT Core ends the connection while it takes others. It
	// returns nil when that is durable. It is never called while Acked is.
	Park(ctx context.Context) error
}

// Stats are totals since New.
type Stats struct {
	Connected bool
	// Published counts transmissions, Acked the PUBACKs made durable, Lost the connections that ended.
	Published, Acked, Lost int64
}

// An Uplink is the connection and what is under way on it.
type Uplink struct {
	cfg     Config
	src     Source
	publish *rate.Limiter
	bytes   *rate.Limiter
	retry   backoff.Backoff

	connected              atomic.Bool
	start                  time.Time    // for the monotonic clock
	beat                   atomic.Int64 // see Beat, since start
	former                 atomic.Bool  // see UseFormer
	shared                 atomic.Bool  // see Away
	published, acked, lost atomic.Int64

	// Owned by the goroutine of Run.
	topic      string // of this connection
	pace       pace
	ready      chan struct{} // closed
	unsent     []*message    // of flight, to be sent again on this connection
	flight     []*message    // from the durable position on
	settled    int           // how many of flight, from its start, have their PUBACK
	confirming int           // how many of those the source is making durable now
	confirmed  chan error
	next       chan []byte
	reached    chan struct{}    // closed at the first connection
	again      <-chan time.Time // when to tell the source, or to tell it again after it failed
	due        bool             // that moment has come
	dialled    time.Time
	// progress is when a message was last acknowledged, or began to wait with none before it.
	progress time.Time
	failing  string // the last connect error, told once
	keeping  string // the last error of the source's disk, told once
	conns    int    // connections so far

	suspect    *message // on which the last connections ended
	drops      int      // how many of them
	deniedTold bool

	served time.Time // when the connection began
	took   bool      // AWS has acknowledged something on it
	short  int       // connections in a row that the other side closed soon after

	sharedTold bool // that another program seems to have the client id
}

type message struct {
	payload  []byte
	delivery *mqttlink.Delivery // of the last transmission, nil before the first
	conn     int                // the connection that it was made on
	deadline time.Time
}

// acked reports whether the PUBACK has come. A later connection need not send the message again then.
func (m *message) acked() bool {
	if m.delivery == nil {
		return false
	}
	select {
	case <-m.delivery.Done():
		return m.delivery.Err() == nil
	default:
		return false
	}
}

// New returns an uplink that takes its messages from src. It connects in Run.
func New(cfg Config, src Source) *Uplink {
	// The pace keeps the rate of publishes; the limiter only spreads them over the second. Bytes above the rate are
	// delayed by AWS, not lost; a token bucket lets its burst through on top of its rate, so the rate is lower by that.
	const burst = 2
	bytes := max(cfg.BytesPerSecond-MaxPayload, 1)
	ready := make(chan struct{})
	close(ready)
	u := &Uplink{
		cfg: cfg, src: src, ready: ready, start: time.Now(),
		publish:   rate.NewLimiter(rate.Limit(cfg.PublishesPerSecond), burst),
		bytes:     rate.NewLimiter(rate.Limit(bytes), MaxPayload),
		retry:     backoff.Backoff{Min: cfg.ConnectInterval, Max: cfg.MaxBackoff},
		confirmed: make(chan error, 1),
		next:      make(chan []byte),
		reached:   make(chan struct{}),
	}
	u.beats(0) // Run may begin a moment later
	return u
}

// Stats returns the totals so far. It is safe to call at any time.
func (u *Uplink) Stats() Stats {
	return Stats{Connected: u.connected.Load(), Published: u.published.Load(), Acked: u.acked.Load(), Lost: u.lost.Load()}
}

// Beat is how long ago the uplink last went round. It is negative while the uplink waits before a connect: then it goes
// round at the latest when that much has passed.
func (u *Uplink) Beat() time.Duration { return time.Since(u.start) - time.Duration(u.beat.Load()) }

func (u *Uplink) beats(in time.Duration) { u.beat.Store(int64(time.Since(u.start) + max(in, 0))) }

// Run connects, sends and reconnects until ctx ends. It then returns nil: what was not acknowledged stays with the
// source.
func (u *Uplink) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wg.Go(func() { u.fetch(ctx) })
	wg.Go(func() { u.watchCertificate(ctx) })
	defer u.finish()
	for ctx.Err() == nil {
		if u.await(ctx) != nil {
			break
		}
		link, err := u.connect(ctx)
		if err != nil {
			continue
		}
		err = u.serve(ctx, link)
		u.tellNow(ctx)
		cause := u.ended(ctx, link, err)
		link.Close()
		u.connected.Store(false)
		if ctx.Err() == nil {
			u.lost.Add(1)
			u.noteShort(err, cause, time.Since(u.served))
			u.noteEnd(err)
			u.warnLost(err)
		}
	}
	return nil
}

// warnLost warns, unless the reason is told already.
func (u *Uplink) warnLost(err error) {
	level := slog.LevelWarn
	if u.deniedTold || errors.Is(err, errParked) || u.sharedTold && u.short > maxShort {
		level = slog.LevelDebug
	}
	u.cfg.Log.Log(context.Background(), level, "connection to AWS lost, what is not acknowledged will be sent again",
		"err", err, "under_way", len(u.flight)-u.settled)
}

// finish tells the source what it was not told yet, and waits for it, so that nothing touches the queue after Run.
func (u *Uplink) finish() {
	for u.settled > 0 {
		u.tellNow(context.Background())
		n := u.confirming
		if err := <-u.confirmed; err != nil {
			u.cfg.Log.Error("keeping the last position failed; what is behind it will be sent again", "err", err)
			return
		}
		u.settled, u.confirming = u.settled-n, 0
	}
}

// fetch keeps one message ready, from the first connection on: before it the source may know better later.
func (u *Uplink) fetch(ctx context.Context) {
	select {
	case <-u.reached:
	case <-ctx.Done():
		return
	}
	wait := backoff.Backoff{Min: time.Second, Max: time.Minute}
	for {
		payload, err := u.src.Next(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			u.cfg.Log.Error("reading the next message failed", "err", err)
			if wait.Wait(ctx) != nil {
				return
			}
			continue
		}
		wait.Reset()
		select {
		case u.next <- payload:
		case <-ctx.Done():
			return
		}
	}
}

// await keeps ConnectInterval and the backoff between two CONNECTs, or SharedInterval.
func (u *Uplink) await(ctx context.Context) error {
	if u.dialled.IsZero() {
		return nil
	}
	wait := max(u.retry.Next(), u.Away()) - time.Since(u.dialled)
	u.beats(wait)
	return backoff.Sleep(ctx, wait)
}

func (u *Uplink) connect(ctx context.Context) (*mqttlink.Link, error) {
	u.dialled = time.Now()
	u.beats(0)
	shown, err := u.certificate()
	if err != nil {
		return nil, err
	}
	link, err := mqttlink.Connect(ctx, mqttlink.Options{
		Broker: u.cfg.Broker, ClientID: u.cfg.ClientID, TLS: shown, KeepAlive: u.cfg.KeepAlive, Log: u.cfg.Log,
		Dial: u.cfg.Dial,
	})
	if err != nil {
		u.noteNoLine(err)
		if ctx.Err() == nil && err.Error() != u.failing {
			u.failing = err.Error()
			try := "piway-gateway check; the certificate must be active and its policy allow iot:Connect for this client id"
			if u.sharesID() {
				try = tryOtherID
			}
			u.cfg.Log.Warn("connecting to AWS failed, trying again", "broker", u.cfg.Broker, "client_id", u.cfg.ClientID,
				"err", err, "try", try)
		}
		return nil, err
	}
	u.failing = ""
	if u.conns++; u.conns == 1 {
		close(u.reached)
	}
	u.connected.Store(true)
	level := slog.LevelInfo
	if u.deniedTold || u.sharesID() {
		level = slog.LevelDebug
	}
	u.cfg.Log.Log(ctx, level, "connected to AWS", "broker", u.cfg.Broker, "client_id", u.cfg.ClientID, "to_send_again",
		len(u.flight)-u.settled)
	return link, nil
}
