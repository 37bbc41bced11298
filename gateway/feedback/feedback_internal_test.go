package feedback

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/shared/mqttlink/fakebroker"
	"piway/shared/testlog"
)

// patience ends a test that would hang; no test waits for it.
const patience = 20 * time.Second

type rig struct {
	t        *testing.T
	b        *fakebroker.Broker
	said     *testlog.Log
	failures chan Failure
	stop     func()
}

func start(t *testing.T, b *fakebroker.Broker, change func(*Listener)) *rig {
	t.Helper()
	r := &rig{t: t, b: b, said: new(testlog.Log), failures: make(chan Failure, 100)}
	l := New(Config{
		Broker: "tcp://" + b.Addr(), ClientID: "gw-feedback", Topics: []string{"piway/errors/gw", "piway/errors/gw-feedback"},
		OnFailure:       func(_ context.Context, f Failure) { r.failures <- f },
		ConnectInterval: time.Millisecond, MaxBackoff: time.Millisecond, KeepAlive: time.Minute,
		Log: slog.New(slog.NewTextHandler(r.said, nil)),
	})
	if change != nil {
		change(l)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

func await[T any](t *testing.T, from <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatalf("waiting for %s: nothing came", what)
	}
	return v
}

func document(client, message string) string {
	return fmt.Sprintf(`{"ruleName":"piway_metric","clientId":%q,"base64OriginalPayload":%q,"failures":[{"failedAction":"A","errorMessage":%q}]}`,
		client, base64.StdEncoding.EncodeToString([]byte("{}")), message)
}

// send repeats until the listener has subscribed.
func (r *rig) send(topic, payload string) {
	r.t.Helper()
	for end := time.Now().Add(patience); r.b.Send(topic, payload) == 0; {
		if time.Now().After(end) {
			r.t.Fatalf("nobody listens on %s", topic)
		}
	}
}

func (r *rig) wantLine(parts ...string) {
	r.t.Helper()
	line := r.said.Next(r.t)
	for _, p := range parts {
		if !strings.Contains(line, p) {
			r.t.Errorf("got %s, want %q in it", line, p)
		}
	}
}

func TestListener_handsFailuresOn(t *testing.T) {
	r := start(t, fakebroker.New(t, nil), nil)
	for range 3 {
		r.send("piway/errors/gw", document("gw", "The parameter MetricData.member.1.Unit must be …"))
		if f := await(t, r.failures, "a failure"); f.Rule != "piway_metric" || f.Reason != "unit" {
			t.Errorf("got %+v", f)
		}
	}
	r.wantLine("could not write it", "rule=piway_metric", "reason=unit", "metricUnit must be ${unit}")
	r.send("piway/errors/gw", "not JSON")
	r.wantLine("cannot be read")
	if r.said.Left() > 0 {
		t.Errorf("said more: %s", r.said.Next(t))
	}
}

// Without the right to subscribe, AWS closes the connection: that is said once.
func TestListener_mayNotListen(t *testing.T) {
	b := fakebroker.New(t, nil)
	b.Suback = 0x80
	r := start(t, b, nil)
	r.wantLine("level=WARN", "does not let the gateway listen", "iot:Subscribe on topicfilter/piway/errors/gw")
	await(t, b.Connects, "the first connect")
	await(t, b.Connects, "the second connect")
	r.stop()
	if r.said.Left() > 0 || len(b.Connects) > 0 {
		t.Errorf("said %d more, connected %d times more", r.said.Left(), len(b.Connects))
	}
}

func TestListener_canary(t *testing.T) {
	b := fakebroker.New(t, nil)
	canary := func(wait time.Duration) func(*Listener) {
		return func(l *Listener) {
			l.cfg.Canary = &Canary{
				Topic:   "$aws/rules/piway_metric/gw-feedback",
				Payload: func(time.Time) []byte { return []byte("tweet") }, Every: time.Hour, Wait: wait,
			}
		}
	}
	t.Run("answered", func(t *testing.T) {
		r := start(t, b, canary(patience))
		if p := await(t, b.Publishes, "the canary"); string(p.Payload) != "tweet" ||
			p.Topic != "$aws/rules/piway_metric/gw-feedback" {
			t.Errorf("got %+v", p)
		}
		r.send("piway/errors/gw-feedback", document("gw-feedback", "Unit"))
		r.send("piway/errors/gw", document("gw", "Unit"))
		await(t, r.failures, "the failure behind it")
		both := r.said.Next(t) + r.said.Next(t) // in the order in which the library handed them on
		for _, want := range []string{"rule answers the test message", "reason=unit"} {
			if strings.Count(both, want) != 1 {
				t.Errorf("said %s, want %q once", both, want)
			}
		}
		r.stop()
		if len(r.failures) > 0 || r.said.Left() > 0 {
			t.Error("the canary was taken for a failure")
		}
	})
	t.Run("answered, but nothing can be written", func(t *testing.T) {
		r := start(t, b, canary(patience))
		await(t, b.Publishes, "the canary")
		r.send("piway/errors/gw-feedback", document("gw-feedback", "is not authorized to perform"))
		r.wantLine("reason=permission")
	})
	t.Run("not answered", func(t *testing.T) {
		r := start(t, b, canary(time.Millisecond))
		await(t, b.Publishes, "the canary")
		r.wantLine("level=ERROR", "acknowledged and lost", "the rule piway_metric must exist")
	})
}

func TestListener_canaryDenied(t *testing.T) {
	b := fakebroker.New(t, nil)
	b.Puback = func(fakebroker.Publish) bool { b.Drop(); return false }
	r := start(t, b, func(l *Listener) {
		l.cfg.Canary = &Canary{
			Topic: "raspi/metrics", Payload: func(time.Time) []byte { return nil }, Every: time.Hour,
			Wait: patience,
		}
	})
	await(t, b.Publishes, "the first canary")
	await(t, b.Publishes, "the second canary")
	r.wantLine("does not let the gateway test its rule", "iot:Publish on topic/raspi/metrics")
	// The last connection that the canary ended may not be gone yet, and takes a message with it.
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); ; {
		r.send("piway/errors/gw", document("gw", "Unit"))
		select {
		case <-r.failures:
			return
		case <-tick.C:
		case <-deadline:
			t.Fatal("failures are not listened for any more")
		}
	}
}

// A policy of an earlier version allows only another topic. Where the rule answers there that is told, and who asked is
// told; where it does not, nothing may be sent there.
func TestListener_canaryOnTheFormerTopic(t *testing.T) {
	const topic, former = "$aws/rules/r/raspi/metrics", "$aws/rules/r/gw-feedback"
	for _, tc := range []struct {
		name    string
		allowed string
		wait    time.Duration
		answer  bool
		went    []string
		said    []string
		told    []bool
	}{
		{
			"answers", former, patience, true,
			[]string{topic, topic, former},
			[]string{"level=WARN", "of an earlier version; the gateway uses its topic", "aws setup again", "topic/" + topic},
			[]bool{true},
		},
		{
			"does not answer", former, time.Millisecond, false,
			[]string{topic, topic, former},
			[]string{"level=ERROR", "no rule answers on its topic", "aws setup again", "topic/" + topic},
			nil,
		},
		{
			"is denied too", "", patience, false,
			[]string{topic, topic, former, former},
			[]string{"level=WARN", "does not let the gateway test its rule", "topic/" + topic},
			nil,
		},
		{
			"is not needed", topic, patience, true,
			[]string{topic},
			[]string{"level=INFO", "answers the test message"},
			[]bool{false},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := fakebroker.New(t, nil)
			b.Puback = func(p fakebroker.Publish) bool {
				if p.Topic != tc.allowed {
					b.Drop()
				}
				return p.Topic == tc.allowed
			}
			answered := make(chan bool, 10)
			r := start(t, b, func(l *Listener) {
				l.cfg.Canary = &Canary{
					Topic: topic, Former: former, Payload: func(time.Time) []byte { return nil },
					Every: time.Hour, Wait: tc.wait,
				}
				l.cfg.OnAnswer = func(f bool) { answered <- f }
			})
			for _, want := range tc.went {
				if p := await(t, b.Publishes, "a canary"); p.Topic != want {
					t.Errorf("got a canary on %s, want it on %s", p.Topic, want)
				}
			}
			if tc.answer {
				r.send("piway/errors/gw-feedback", document("gw-feedback", "Unit"))
			}
			r.wantLine(tc.said...)
			r.stop()
			for _, want := range tc.told {
				if got := await(t, answered, "the answer"); got != want {
					t.Errorf("told that the former topic answers: %t, want %t", got, want)
				}
			}
			if len(answered) > 0 || len(b.Publishes) > 0 || r.said.Left() > 0 {
				t.Errorf("got %d answers, %d canaries and %d lines more", len(answered), len(b.Publishes), r.said.Left())
			}
		})
	}
}

func TestProbe(t *testing.T) {
	b := fakebroker.New(t, nil)
	cfg := Config{
		Broker: "tcp://" + b.Addr(), ClientID: "gw-feedback", Topics: []string{"piway/errors/gw", "piway/errors/gw-feedback"},
		Canary: &Canary{
			Topic:   "$aws/rules/piway_metric/gw-feedback",
			Payload: func(time.Time) []byte { return []byte("tweet") },
		},
		KeepAlive: time.Minute, Log: slog.New(slog.DiscardHandler),
	}
	answer := func() {
		<-b.Publishes
		b.Send("piway/errors/gw-feedback", document("somebody else", "Unit"))
		b.Send("piway/errors/gw-feedback", document("gw-feedback", "Unit"))
	}
	go answer()
	if f, err := Probe(t.Context(), cfg); err != nil || f.Rule != "piway_metric" {
		t.Errorf("got %+v, %v, want the answer", f, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Probe(ctx, cfg); err == nil || !strings.Contains(err.Error(), "the rule piway_metric must exist") {
		t.Errorf("without an answer: got %v", err)
	}
	b.Puback = func(fakebroker.Publish) bool { b.Drop(); return false }
	if _, err := Probe(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "allow iot:Publish on "+
		"topic/$aws/rules/piway_metric/gw-feedback") {
		t.Errorf("not allowed to publish: got %v", err)
	}
	b.Suback = 0x80
	if _, err := Probe(t.Context(), cfg); !errors.Is(err, ErrNoListening) {
		t.Errorf("not allowed to listen: got %v", err)
	}
}

// Failures of ever new rules, reasons and words fill neither the log nor memory.
func TestListener_kindsAreBounded(t *testing.T) {
	said := new(testlog.Log)
	l := New(Config{ClientID: "gw", Log: slog.New(slog.NewTextHandler(said, nil))})
	found := map[string]bool{}
	l.cfg.OnFailure = func(_ context.Context, f Failure) { found[f.Reason] = true }
	for i := range 2000 {
		const form = `{"ruleName":"rule %d %s","base64OriginalPayload":"e30=","failures":[{"errorMessage":"word %d %s"}]}`
		l.handle(t.Context(), fmt.Appendf(nil, form, i, strings.Repeat("x", 1000), i, strings.Repeat("unit value time", i%3)))
	}
	lines := said.With("could not write it")
	if len(lines) == 0 || len(lines) > 110 || len(found) > len(reasons)+1 {
		t.Errorf("%d lines, %d reasons", len(lines), len(found))
	}
	for _, line := range lines {
		if len(line) > 2000 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

// While another gateway has the client id, this one stays away as long as the uplink does.
func TestListener_away(t *testing.T) {
	b := fakebroker.New(t, nil)
	asked := make(chan struct{}, 1)
	r := start(t, b, func(l *Listener) {
		l.cfg.Away = func() time.Duration { asked <- struct{}{}; return time.Hour }
	})
	await(t, b.Connects, "the CONNECT")
	b.Drop()
	await(t, asked, "the listener to ask how long to stay away")
	r.stop()
	if n := len(b.Connects); n > 0 {
		t.Errorf("connected %d times more", n)
	}
}
