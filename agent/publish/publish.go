// Package publish brings reports to the gateway over MQTT and forgets a report only at its PUBACK.
// Whatever happens to the connection, what was not acknowledged is published again, in order.
//
// What stays on the LAN goes along once, with the newest report, and is not kept: see Live.
package publish

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"piway/shared/backoff"
	"piway/shared/clock"
	"piway/shared/mqttlink"
	"piway/shared/sample"
)

// Source is where the reports wait.
type Source interface {
	// Next returns the oldest report behind the position after, and its position; it waits for one until ctx ends.
	// Position 0 is before all of them.
	Next(ctx context.Context, after uint64) (pos uint64, r sample.Report, err error)
	// Ack forgets the report at pos.
	Ack(pos uint64)
	// Split takes the report at pos apart into reports within the limits, which Next returns before all else. It
	// returns false if the report cannot be made smaller.
	Split(pos uint64, within sample.Limits) bool
	// Limit bounds the reports that were not handed out yet.
	Limit(to sample.Limits)
}

// errNoAck ends a connection on which the gateway withholds a PUBACK.
var errNoAck = errors.New("waiting for the gateway's acknowledgement: none in time")

// Options say where to publish and as whom. Fields without a remark must be set.
type Options struct {
	// Connect connects to the gateway, wherever that is, and says where it was.
	Connect func(context.Context, mqttlink.Options) (link *mqttlink.Link, address string, err error)
	// Login is what can be done when the gateway refuses the log-in.
	Login string
	// ClientID must differ from that of any other program of this user.
	ClientID           string
	Username, Password string
	// Device and Prefix make the topics: PREFIX/DEVICE/samples, …/status, …/rejected and …/config.
	Device, Prefix string
	// KeepAlive is the longest silence on the connection; 0 means the link's default.
	KeepAlive time.Duration
	// MaxInFlight is how many reports may be under way without a PUBACK; 0 means 16.
	MaxInFlight int
	// AckTimeout is how long a PUBACK may take before the connection is given up; 0 means 30 s.
	AckTimeout time.Duration
	// Retry spaces out the attempts to connect; its zero value means 1 s to 1 min.
	Retry backoff.Backoff
	// Uptime returns the machine's boot id and the seconds since that boot; nil where the system does not say.
	Uptime func(context.Context) (boot string, seconds float64)
	// Live is sent beside the reports, to gateways that say what they take; earlier ones would ignore it. May be nil.
	Live *Live
	// Wanted is told which names of Live the gateway wants among the samples of the reports; may be nil.
	Wanted func(names []string)
	// Log must not be nil.
	Log *slog.Logger
}

// withDefaults fills in what is left open.
func (o Options) withDefaults() Options {
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = 16
	}
	if o.AckTimeout <= 0 {
		o.AckTimeout = 30 * time.Second
	}
	if o.Retry.Max <= 0 {
		o.Retry = backoff.Backoff{Min: time.Second, Max: time.Minute}
	}
	return o
}

func (o Options) topic(name string) string { return o.Prefix + "/" + o.Device + "/" + name }

func (o Options) link() mqttlink.Options {
	return mqttlink.Options{
		ClientID: o.ClientID, Username: o.Username, Password: o.Password,
		KeepAlive: o.KeepAlive, Log: o.Log,
	}
}

// A Publisher empties a source into the gateway.
type Publisher struct {
	opt  Options
	src  Source
	out  outage
	size size
	log  *slog.Logger
}

// New returns a publisher that has not connected yet.
func New(opt Options, src Source) *Publisher {
	opt = opt.withDefaults()
	return &Publisher{opt: opt, src: src, out: outage{log: opt.Log, login: opt.Login}, size: size{src: src, wanted: opt.Wanted, log: opt.Log}, log: opt.Log}
}

// Run connects, publishes and connects again, for ever. It returns nil when ctx ends and its connection is closed;
// reports that were not acknowledged by then stay in the source.
func (p *Publisher) Run(ctx context.Context) error {
	retry := p.opt.Retry
	for {
		acked, err := p.session(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end was asked for
		}
		if acked > 0 {
			retry.Reset()
		}
		p.out.failed(err)
		if errors.Is(err, mqttlink.ErrLogin) { // somebody must act first
			retry.Min = retry.Max
		} else {
			retry.Min = p.opt.Retry.Min
		}
		if retry.Wait(ctx) != nil {
			return nil
		}
	}
}

// Once publishes one report and returns nil only after the gateway's PUBACK.
func Once(ctx context.Context, opt Options, r sample.Report) error {
	opt = opt.withDefaults()
	link, _, err := opt.Connect(ctx, opt.link())
	if err != nil {
		return err
	}
	defer link.Close()
	payload, err := encode(ctx, opt, r)
	if err != nil {
		return err
	}
	return acknowledged(ctx, link.Publish(opt.topic("samples"), payload), opt.AckTimeout)
}

// Probe connects to the gateway and leaves again: nil means that the login was accepted.
func Probe(ctx context.Context, opt Options) error {
	link, _, err := opt.Connect(ctx, opt.link())
	if err != nil {
		return err
	}
	link.Close()
	return nil
}

// encode returns a report as it is sent, stamped with the time of sending by the clock that dated its samples. After
// another boot there is no such clock any more.
func encode(ctx context.Context, opt Options, r sample.Report) ([]byte, error) {
	var boot string
	var uptime float64
	if opt.Uptime != nil {
		boot, uptime = opt.Uptime(ctx)
	}
	if r.Boot == boot || r.Boot == "" || boot == "" {
		r.Sent = sample.Seconds(clock.Now().Truncate(time.Millisecond))
	}
	if r.Boot == boot && r.Uptime > 0 {
		r.SentUptime = uptime
	}
	return r.JSON()
}

// acknowledged waits for a delivery's PUBACK, for at most patience.
func acknowledged(ctx context.Context, d *mqttlink.Delivery, patience time.Duration) error {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-d.Done():
		return d.Err()
	case <-timeout.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	select { // it may have come while an earlier one used up the time
	case <-d.Done():
		return d.Err()
	default:
		return errNoAck
	}
}
