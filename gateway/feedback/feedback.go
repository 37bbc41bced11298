package feedback

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"strings"
	"time"

	"piway/shared/backoff"
	"piway/shared/mqttlink"
	"piway/shared/tell"
)

// Config says where to listen.
type Config struct {
	// Broker is the endpoint, as for the uplink; ClientID must be another.
	Broker, ClientID string
	// TLS is as in the uplink's: asked before each connection, nil for none.
	TLS func(now time.Time) (*tls.Config, error)
	// Topics are listened to: that of the uplink's failures, and that of this connection's own.
	Topics []string
	// OnFailure gets each failure of a message that somebody else published. It is called from one goroutine.
	OnFailure func(context.Context, Failure)
	// OnAnswer is told each time that a rule answered the canary, and whether on Canary.Former; nil for nobody. It is
	// called from the same goroutine.
	OnAnswer func(former bool)
	// Canary goes round the loop; nil for none.
	Canary *Canary
	// ConnectInterval is the least time between two CONNECTs, MaxBackoff the longest after failures, before jitter.
	ConnectInterval, MaxBackoff, KeepAlive time.Duration
	// Away is another least time between two CONNECTs, which changes meanwhile; nil for none.
	Away func() time.Duration
	// Log must be set.
	Log *slog.Logger
}

// A Canary is a message that a rule must refuse and report, which shows that the rule is there and enabled.
type Canary struct {
	// Topic is where the data goes too.
	Topic string
	// Former is the topic of an earlier version, which its policy allows and no other; empty for none. It is tried
	// where AWS denies Topic.
	Former string
	// Payload makes the message.
	Payload func(now time.Time) []byte
	// Every is the time between two that are answered, Wait how long an answer may take. AWS tries an action several
	// times before it gives up.
	Every, Wait time.Duration
}

const (
	// canaryRetry is the time between two that are not answered.
	canaryRetry = 10 * time.Minute
	// pubackWait is how long AWS may take to acknowledge the canary.
	pubackWait = 30 * time.Second
	// deniedRetry is how often a right is asked for again that was denied.
	deniedRetry = time.Hour
	// pending bounds the reports that wait to be handled; AWS sends at most 100 a second.
	pending = 256
)

// A Listener is the connection. Make one with New.
type Listener struct {
	cfg     Config
	retry   backoff.Backoff
	reports chan []byte
	teller  *tell.Teller

	refused int // times in a row that the subscription ended the connection
	silent  bool

	canary canary
}

// New returns a Listener. It connects in Run.
func New(cfg Config) *Listener {
	return &Listener{
		cfg: cfg, retry: backoff.Backoff{Min: cfg.ConnectInterval, Max: cfg.MaxBackoff},
		reports: make(chan []byte, pending), teller: tell.New(cfg.Log),
	}
}

// Run listens until ctx ends, then returns nil.
func (l *Listener) Run(ctx context.Context) error {
	defer l.teller.Close()
	for ctx.Err() == nil {
		wait := l.session(ctx)
		if wait == 0 {
			wait = l.retry.Next()
		}
		if l.cfg.Away != nil {
			wait = max(wait, l.cfg.Away())
		}
		_ = backoff.Sleep(ctx, wait) // the loop looks at ctx
	}
	return nil
}

// session is one connection. It returns how long to stay away, 0 for the usual.
func (l *Listener) session(ctx context.Context) time.Duration {
	link, err := l.cfg.connect(ctx)
	if err != nil {
		// Most often the line is down, which the uplink tells; a client id that is not allowed only shows here.
		l.cfg.Log.Debug("connecting for feedback failed", "client_id", l.cfg.ClientID, "err", err)
		if errors.Is(err, mqttlink.ErrLogin) {
			return l.denied("iot:Connect on client/"+l.cfg.ClientID, err)
		}
		return 0
	}
	defer link.Close()
	for _, topic := range l.cfg.Topics {
		if err := link.Subscribe(ctx, topic, l.report); err != nil {
			if ctx.Err() != nil {
				return 0
			}
			return l.denied("iot:Subscribe on topicfilter/"+topic+" and iot:Receive on topic/"+topic, err)
		}
	}
	l.refused = 0
	l.retry.Reset()
	if l.silent {
		l.silent = false
		l.cfg.Log.Info("AWS lets the gateway listen for failures again")
	}
	l.listen(ctx, link)
	link.Close()
	l.interrupted()
	return 0
}

func (c *Config) connect(ctx context.Context) (*mqttlink.Link, error) {
	return c.connectBy(ctx, mqttlink.Connect)
}

// A connector is mqttlink.Connect or ConnectTwice.
type connector func(context.Context, mqttlink.Options) (*mqttlink.Link, error)

func (c *Config) connectBy(ctx context.Context, connect connector) (*mqttlink.Link, error) {
	opt := mqttlink.Options{Broker: c.Broker, ClientID: c.ClientID, KeepAlive: c.KeepAlive, Log: c.Log}
	if c.TLS != nil {
		var err error
		if opt.TLS, err = c.TLS(time.Now()); err != nil {
			return nil, err
		}
	}
	return connect(ctx, opt)
}

// denied tells once that nobody will report failures. The first time may be a line that broke just then.
func (l *Listener) denied(statement string, err error) time.Duration {
	if l.refused++; l.refused < 2 {
		return 0
	}
	if !l.silent {
		l.silent = true
		l.cfg.Log.Warn("AWS does not let the gateway listen for what its rule could not write; it still sends data", "err",
			err,
			"try", "allow "+statement+" in the certificate's policy (piway-gateway aws print policy), or set "+
				"uplink.errors_topic to \"\"")
	}
	return deniedRetry
}

// report takes a message from the library's goroutine.
func (l *Listener) report(_ string, payload []byte) {
	select {
	case l.reports <- payload:
	default:
		l.teller.Tell(slog.LevelWarn, "", "failure reports came too fast; some are not counted")
	}
}

// listen handles reports until the connection ends.
func (l *Listener) listen(ctx context.Context, link *mqttlink.Link) {
	for {
		select {
		case payload := <-l.reports:
			l.handle(ctx, payload)
		case <-l.canary.due(l.cfg.Canary):
			l.sendCanary(link)
		case <-l.canary.published():
			if l.canaryPublished() != nil {
				return // the link is lost
			}
		case <-l.canary.late():
			l.canaryLate(link)
		case <-link.Lost():
			return
		case <-ctx.Done():
			return
		}
	}
}

func (l *Listener) handle(ctx context.Context, payload []byte) {
	f, err := Parse(payload)
	if err != nil {
		l.teller.Tell(slog.LevelWarn, "", "a report of a failure at AWS cannot be read", "err", err)
		return
	}
	if f.ClientID == l.cfg.ClientID {
		l.canaryAnswered(&f)
		return
	}
	l.tellFailure(&f)
	l.cfg.OnFailure(ctx, f)
}

func (l *Listener) tellFailure(f *Failure) {
	l.teller.Tell(slog.LevelError, f.Rule+" "+f.Reason, "AWS acknowledged a message and could not write it", "rule",
		f.Rule,
		"reason", f.Reason, "aws_says", f.Message, "try", tell.Own(Fix(f.Reason)))
}

// missing says what to look for when nothing answers on the topic of the data.
func missing(topic, errorTopic string) string {
	what, from := "a rule on the topic "+topic, ""
	if rest, ok := strings.CutPrefix(topic, "$aws/rules/"); ok {
		name, selected, _ := strings.Cut(rest, "/")
		what, from = "the rule "+name, " select '"+selected+"' in its FROM,"
	}
	return what + " must exist, be enabled," + from + " and have an error action that republishes to " + errorTopic +
		": aws iot list-topic-rules, piway-gateway aws print rule"
}
