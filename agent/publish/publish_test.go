package publish_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/agent/publish"
	"piway/shared/backoff"
	"piway/shared/mqttlink"
	"piway/shared/mqttlink/fakebroker"
	"piway/shared/sample"
	"piway/shared/testlog"
)

const patience = 20 * time.Second

// source holds reports at positions 1, 2, … and remembers what was acknowledged.
type source struct {
	reports []sample.Report
	acks    chan uint64
}

func newSource(n int) *source {
	s := &source{acks: make(chan uint64, 100)}
	for seq := range int64(n) {
		s.reports = append(s.reports, sample.Report{
			Device: "kitchen", Run: "r", Seq: seq + 1, Sent: 1,
			Samples: []sample.Sample{{Name: "cpu usage", Unit: "Percent", Value: float64(seq), Time: 1763791460}},
		})
	}
	return s
}

func (s *source) Next(ctx context.Context, after uint64) (uint64, sample.Report, error) {
	if int(after) < len(s.reports) {
		return after + 1, s.reports[after], nil
	}
	<-ctx.Done()
	return 0, sample.Report{}, ctx.Err()
}

func (s *source) Ack(pos uint64) { s.acks <- pos }

func (s *source) Split(uint64, sample.Limits) bool { return false }
func (s *source) Limit(sample.Limits)              {}

func options(b *fakebroker.Broker, log *testlog.Log) publish.Options {
	return publish.Options{
		Connect: func(ctx context.Context, o mqttlink.Options) (*mqttlink.Link, string, error) {
			o.Broker = "tcp://" + b.Addr()
			l, err := mqttlink.Connect(ctx, o)
			return l, b.Addr(), err
		},
		Login: "device add", ClientID: "kitchen", Username: "kitchen", Password: "hush",
		Device: "kitchen", Prefix: "pi", Retry: backoff.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond},
		Log: slog.New(slog.NewTextHandler(log, nil)),
	}
}

// start runs a publisher until the test ends.
func start(t *testing.T, opt publish.Options, src publish.Source) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- publish.New(opt, src).Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// next returns the next publish on a topic, passing over others.
func next(t *testing.T, b *fakebroker.Broker, topic string) fakebroker.Publish {
	t.Helper()
	for {
		select {
		case p := <-b.Publishes:
			if p.Topic == topic {
				return p
			}
		case <-time.After(patience):
			t.Fatalf("nothing on %s", topic)
		}
	}
}

func decode(t *testing.T, p fakebroker.Publish) sample.Report {
	t.Helper()
	m, err := sample.Decode(p.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return m.Report
}

func TestPublisher_in_order_and_forgotten_at_PUBACK(t *testing.T) {
	t.Parallel()
	b, src := fakebroker.New(t, nil), newSource(40)
	start(t, options(b, new(testlog.Log)), src)
	hello := <-b.Connects
	if hello.WillTopic != "pi/kitchen/status" || hello.WillPayload != "offline" || hello.Username != "kitchen" ||
		hello.Password != "hush" {
		t.Errorf("CONNECT: got %+v", hello)
	}
	if p := <-b.Publishes; p.Topic != "pi/kitchen/status" || string(p.Payload) != "online" || p.Retain {
		t.Errorf("first publish: got %+v, want online, not retained", p)
	}
	before := float64(time.Now().Add(-time.Minute).Unix())
	for i := range int64(40) {
		r := decode(t, next(t, b, "pi/kitchen/samples"))
		if r.Seq != i+1 || r.Sent < before {
			t.Fatalf("got seq %d sent %f, want %d sent now", r.Seq, r.Sent, i+1)
		}
		if pos := <-src.acks; pos != uint64(i+1) {
			t.Fatalf("acknowledged %d, want %d", pos, i+1)
		}
	}
}

func TestPublisher_resends_what_was_not_acknowledged(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		drop bool // the broker ends the connection; else the publisher runs out of patience
	}{{"connection lost", true}, {"acknowledgement withheld", false}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, src := fakebroker.New(t, nil), newSource(3)
			b.Puback = func(p fakebroker.Publish) bool { // of the first connection only what comes first
				return p.Conn > 1 || p.Topic == "pi/kitchen/status" || bytes.Contains(p.Payload, []byte(`"seq":1,`))
			}
			opt := options(b, new(testlog.Log))
			if !tt.drop {
				opt.AckTimeout = 50 * time.Millisecond
			}
			start(t, opt, src)
			var first []sample.Report
			for range 3 {
				first = append(first, decode(t, next(t, b, "pi/kitchen/samples")))
			}
			if pos := <-src.acks; pos != 1 {
				t.Fatalf("acknowledged %d, want only 1", pos)
			}
			if tt.drop {
				b.Drop()
			}
			// This source still gives report 1; a spool does not.
			for i := range 3 {
				again := decode(t, next(t, b, "pi/kitchen/samples"))
				if again.Sent < first[i].Sent {
					t.Errorf("sent %f at first, then %f", first[i].Sent, again.Sent)
				}
				again.Sent = first[i].Sent
				if diff := cmp.Diff(first[i], again); diff != "" {
					t.Errorf("a resent report has changed: %s", diff)
				}
			}
		})
	}
}

func TestPublisher_inFlight(t *testing.T) {
	t.Parallel()
	b, src := fakebroker.New(t, nil), newSource(50)
	b.Puback = func(p fakebroker.Publish) bool { return p.Conn > 1 || p.Topic == "pi/kitchen/status" }
	opt := options(b, new(testlog.Log))
	opt.MaxInFlight, opt.AckTimeout = 3, time.Second
	start(t, opt, src)
	counts := map[int]int{}
	for counts[2] < 50 {
		counts[next(t, b, "pi/kitchen/samples").Conn]++
	}
	if counts[1] != 3 {
		t.Errorf("got %d publishes without any acknowledgement, want 3", counts[1])
	}
}

func TestPublisher_tells_loss_and_recovery_once(t *testing.T) {
	t.Parallel()
	b, src := fakebroker.New(t, nil), newSource(1)
	var refused sync.Map
	b.Connack = func(fakebroker.Connect) int {
		n, _ := refused.LoadOrStore("n", new(int))
		count := n.(*int)
		if *count++; *count > 1 && *count < 6 {
			return 3
		}
		return 0
	}
	log := new(testlog.Log)
	stop := start(t, options(b, log), src)
	next(t, b, "pi/kitchen/samples")
	b.Drop()
	next(t, b, "pi/kitchen/samples")
	stop()
	for text, want := range map[string]int{
		"gateway connected": 1, "gateway lost": 1, "gateway cannot be reached": 0, "gateway is back": 1, "attempts=5": 1,
	} {
		if got := log.Count(text); got != want {
			t.Errorf("%q: got %d, want %d in\n%s", text, got, want, log)
		}
	}
}

func TestPublisher_wrong_password(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	b.Connack = func(fakebroker.Connect) int { return 5 }
	log := new(testlog.Log)
	stop := start(t, options(b, log), newSource(1))
	for range 4 { // it goes on trying
		<-b.Connects
	}
	stop()
	if got := log.Count("level=ERROR"); got != 1 || !strings.Contains(log.String(), "device add") ||
		strings.Contains(log.String(), "hush") {
		t.Errorf("want one error with a hint and no password, got\n%s", log)
	}
}

func TestPublisher_tells_refusals_at_a_bounded_rate(t *testing.T) {
	t.Parallel()
	b, log := fakebroker.New(t, nil), new(testlog.Log)
	stop := start(t, options(b, log), newSource(1))
	next(t, b, "pi/kitchen/samples") // it has subscribed before
	for range 50 {
		b.Send("pi/kitchen/rejected", `unit "percent": did you mean "Percent"?`)
	}
	log.Want(t.Context(), t, "did you mean")
	stop()
	if got := log.Count("gateway refused samples"); got != 1 {
		t.Errorf("got %d lines for 50 refusals, want 1", got)
	}
}

func TestPublisher_refused_subscription_does_not_stop_it(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	b.Suback = 0x80
	start(t, options(b, new(testlog.Log)), newSource(1))
	next(t, b, "pi/kitchen/samples")
}

func TestPublisher_says_offline_when_it_goes(t *testing.T) {
	t.Parallel()
	b, src := fakebroker.New(t, nil), newSource(1)
	stop := start(t, options(b, new(testlog.Log)), src)
	<-src.acks
	stop()
	var said []string
	for range len(b.Publishes) {
		if p := <-b.Publishes; p.Topic == "pi/kitchen/status" {
			said = append(said, string(p.Payload))
		}
	}
	if !slices.Equal(said, []string{"online", "offline"}) {
		t.Errorf("status: got %q, want online, offline", said)
	}
}

func TestOnce(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	opt := options(b, new(testlog.Log))
	if err := publish.Once(t.Context(), opt, newSource(1).reports[0]); err != nil {
		t.Errorf("got %v", err)
	}
	if r := decode(t, next(t, b, "pi/kitchen/samples")); r.Seq != 1 || r.Sent < 1e9 {
		t.Errorf("got %+v", r)
	}
}

func TestOnce_no_acknowledgement(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"withheld", "connection lost", "login refused"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			b := fakebroker.New(t, nil)
			b.Puback = func(fakebroker.Publish) bool {
				if how == "connection lost" {
					b.Drop()
				}
				return false
			}
			if how == "login refused" {
				b.Connack = func(fakebroker.Connect) int { return 4 }
			}
			opt := options(b, new(testlog.Log))
			opt.AckTimeout = 50 * time.Millisecond
			err := publish.Once(t.Context(), opt, newSource(1).reports[0])
			if err == nil {
				t.Error("got nil without a PUBACK")
			}
			if probe := publish.Probe(t.Context(), opt); errors.Is(probe, mqttlink.ErrLogin) != (how == "login refused") {
				t.Errorf("Probe: got %v", probe)
			}
		})
	}
}

// "sent" is by the clock that dated the samples: after another boot there is none. The uptime then is told of one boot
// only.
func TestPublisher_datesTheSending(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		boot             string
		uptime           float64
		sent, sentUptime bool
	}{
		{"now", 7, true, true},
		{"earlier", 7, false, false},
		{"", 0, true, false}, // a system that does not say
	} {
		b, src := fakebroker.New(t, nil), newSource(1)
		src.reports[0].Boot, src.reports[0].Uptime, src.reports[0].Sent = tt.boot, tt.uptime, 0
		opt := options(b, new(testlog.Log))
		opt.Uptime = func(context.Context) (string, float64) { return "now", 12 }
		stop := start(t, opt, src)
		r := decode(t, next(t, b, "pi/kitchen/samples"))
		if (r.Sent > 0) != tt.sent || (r.SentUptime == 12) != tt.sentUptime {
			t.Errorf("boot %q: sent %v at uptime %v", tt.boot, r.Sent, r.SentUptime)
		}
		stop()
	}
}
