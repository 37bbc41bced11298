package uplink_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"piway/gateway/uplink"
	"piway/shared/mqttlink"
	"piway/shared/mqttlink/fakebroker"
	"piway/shared/testlog"
)

// patience ends a test that would hang; no test waits for it.
const patience = 30 * time.Second

// A source hands out m0, m1 … up to its number of messages.
type source struct {
	n     int
	next  int
	acked func(n int) error // may be nil

	hurry   chan struct{} // has one after Hurry
	mu      sync.Mutex    // guards durable
	durable int
	parked  int
	all     chan struct{} // closed when n are durable
}

func newSource(n int) *source {
	return &source{n: n, hurry: make(chan struct{}, 1), all: make(chan struct{})}
}

func (s *source) Next(ctx context.Context) ([]byte, error) {
	if s.next == s.n {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s.next++
	return fmt.Appendf(nil, "m%d", s.next-1), nil
}

func (s *source) Acked(_ context.Context, n int) error {
	if s.acked != nil {
		if err := s.acked(n); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.durable += n; s.durable == s.n {
		close(s.all)
	}
	return nil
}

func (s *source) Hurry() {
	select {
	case s.hurry <- struct{}{}:
	default:
	}
}

func (s *source) Park(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parked++
	if s.durable++; s.durable == s.n {
		close(s.all)
	}
	return nil
}

func (s *source) sofar() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.durable
}

func settings(b *fakebroker.Broker) uplink.Config {
	return uplink.Config{
		Broker: "tcp://" + b.Addr(), ClientID: "gateway", Topic: "raspi/metrics",
		Window: 50, PublishesPerSecond: 100, BytesPerSecond: 400 << 10,
		AckTimeout: patience, ConnectInterval: time.Millisecond, MaxBackoff: time.Millisecond, KeepAlive: time.Minute,
		Log: slog.New(slog.DiscardHandler),
	}
}

// run runs an uplink until the test ends or stop is called, which waits for its end.
func run(t *testing.T, cfg uplink.Config, src uplink.Source) (u *uplink.Uplink, stop func()) {
	t.Helper()
	u = uplink.New(cfg, src)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- u.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return u, stop
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

// payloads returns the next n publishes as CONNECTION:PAYLOAD.
func payloads(t *testing.T, b *fakebroker.Broker, n int) []string {
	t.Helper()
	var got []string
	for range n {
		p := await(t, b.Publishes, "a publish")
		got = append(got, fmt.Sprintf("%d:%s", p.Conn, p.Payload))
	}
	return got
}

// pauser returns a function that takes as long as a few connections do.
func pauser(t *testing.T) func() {
	b := fakebroker.New(t, nil)
	return func() {
		for range 3 {
			link, err := mqttlink.Connect(t.Context(), mqttlink.Options{Broker: "tcp://" + b.Addr(), ClientID: "pause"})
			if err != nil {
				t.Error(err)
				return
			}
			link.Close()
		}
	}
}

func TestUplink_sendsInOrderAndTellsTheSource(t *testing.T) {
	b := fakebroker.New(t, nil)
	src := newSource(5)
	u, stop := run(t, settings(b), src)
	if got, want := payloads(t, b, 5), []string{"1:m0", "1:m1", "1:m2", "1:m3", "1:m4"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	await(t, src.all, "all to be durable")
	stop()
	if got, want := u.Stats(), (uplink.Stats{Published: 5, Acked: 5}); got.Published != want.Published || got.Lost != 0 ||
		got.Connected {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if c := await(t, b.Connects, "the CONNECT"); c.ClientID != "gateway" || c.KeepAlive != 60 || !c.Clean ||
		c.WillTopic != "" {
		t.Errorf("connected as %+v", c)
	}
}

// Messages that IoT Core has but the source has not made durable count for the window: a crash would repeat them.
func TestUplink_window_isMeasuredFromTheDurablePosition(t *testing.T) {
	const window, n = 5, 40
	b := fakebroker.New(t, nil)
	src := newSource(n)
	var received, most atomic.Int64
	full := make(chan struct{}, n)
	b.Puback = func(fakebroker.Publish) bool {
		most.Store(max(most.Load(), received.Add(1)-int64(src.sofar()))) // one connection: called one by one
		full <- struct{}{}
		return true
	}
	pause := pauser(t)
	src.acked = func(int) error {
		for src.sofar()+window > int(received.Load()) && received.Load() < n {
			<-full
		}
		pause() // an uplink that does not wait runs ahead now
		return nil
	}
	cfg := settings(b)
	cfg.Window = window
	run(t, cfg, src)
	await(t, src.all, "all to be durable")
	if got := most.Load(); got != window {
		t.Errorf("%d messages were beyond the durable position at once, want %d", got, window)
	}
}

func TestUplink_withheldPuback_reconnectsAndSendsAgain(t *testing.T) {
	b := fakebroker.New(t, nil)
	b.Puback = func(p fakebroker.Publish) bool { return p.Conn > 1 || string(p.Payload) == "m0" }
	src := newSource(3)
	cfg := settings(b)
	cfg.AckTimeout = time.Second
	u, stop := run(t, cfg, src)
	want := []string{"1:m0", "1:m1", "1:m2", "2:m1", "2:m2"}
	if got := payloads(t, b, 5); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	await(t, src.all, "all to be durable")
	stop()
	if s := u.Stats(); s.Lost != 1 || s.Published != 5 {
		t.Errorf("got %+v, want 1 lost and 5 published", s)
	}
}

// An acknowledgement out of order does not move the position: what is older may be lost.
func TestUplink_settlesInOrderOnly(t *testing.T) {
	b := fakebroker.New(t, nil)
	src := newSource(3)
	b.Puback = func(p fakebroker.Publish) bool {
		if p.Conn > 1 && src.sofar() > 0 {
			t.Error("the position moved past a message without PUBACK")
		}
		return p.Conn > 1 || string(p.Payload) != "m0"
	}
	cfg := settings(b)
	cfg.AckTimeout = time.Second
	run(t, cfg, src)
	want := []string{"1:m0", "1:m1", "1:m2", "2:m0"} // the others are acknowledged
	if got := payloads(t, b, 4); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	await(t, src.all, "all to be durable")
	if len(b.Publishes) > 0 {
		t.Errorf("sent again what was acknowledged: %s", (<-b.Publishes).Payload)
	}
}

func TestUplink_lostConnection_sendsAgain(t *testing.T) {
	b := fakebroker.New(t, nil)
	b.Puback = func(p fakebroker.Publish) bool { return p.Conn > 2 }
	src := newSource(3)
	run(t, settings(b), src)
	for conn := range 3 {
		want := fmt.Sprintf("%[1]d:m0 %[1]d:m1 %[1]d:m2", conn+1)
		if got := strings.Join(payloads(t, b, 3), " "); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if conn < 2 {
			b.Drop()
		}
	}
	await(t, src.all, "all to be durable")
}

func TestUplink_refusedConnect_triesOn(t *testing.T) {
	b := fakebroker.New(t, nil)
	var n atomic.Int64
	b.Connack = func(fakebroker.Connect) int {
		if n.Add(1) < 4 {
			return 3
		}
		return 0
	}
	src := newSource(1)
	u, stop := run(t, settings(b), src)
	await(t, src.all, "all to be durable")
	stop()
	if s := u.Stats(); n.Load() != 4 || s.Lost != 0 {
		t.Errorf("got %d connects and %+v, want 4 and none lost", n.Load(), s)
	}
}

func TestUplink_acked_isTriedAgain(t *testing.T) {
	b := fakebroker.New(t, nil)
	src := newSource(3)
	var asked []int
	src.acked = func(n int) error {
		if asked = append(asked, n); len(asked) == 1 {
			return errors.New("disk full")
		}
		return nil
	}
	_, stop := run(t, settings(b), src)
	await(t, src.all, "all to be durable")
	stop()
	if got := payloads(t, b, 3); len(b.Publishes) > 0 {
		t.Errorf("sent %v and %d more, want each once", got, len(b.Publishes))
	}
	if total := asked[1:]; asked[0] < 1 || total[0] < asked[0] {
		t.Errorf("asked to keep %v, want the failed number in the second", asked)
	}
}

// After Run nothing touches the source: the queue may be closed.
func TestUplink_Run_waitsForTheSource(t *testing.T) {
	b := fakebroker.New(t, nil)
	src := newSource(1)
	telling, release := make(chan struct{}), make(chan struct{})
	var told atomic.Bool
	pause := pauser(t)
	src.acked = func(int) error {
		close(telling)
		<-release
		pause() // a Run that does not wait returns now
		told.Store(true)
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan bool, 1)
	cfg := settings(b)
	cut := new(testlog.Log)
	cfg.Log = slog.New(slog.NewTextHandler(cut, &slog.HandlerOptions{Level: slog.LevelDebug}))
	u := uplink.New(cfg, src)
	go func() {
		if err := u.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
		ended <- told.Load()
	}()
	await(t, telling, "Acked")
	cancel()
	cut.Want(t.Context(), t, "connection ended") // all but the wait for the source is done
	close(release)
	if !await(t, ended, "Run") {
		t.Error("Run returned before Acked")
	}
}

// Seen by the receiver, since the start of Run. What is late there only makes it fewer.
func TestUplink_rate(t *testing.T) {
	const n, perSecond = 150, 100
	b := fakebroker.New(t, nil)
	var stamps []time.Time
	b.Puback = func(fakebroker.Publish) bool { // one connection: called one by one
		stamps = append(stamps, time.Now())
		return true
	}
	src := newSource(n)
	cfg := settings(b)
	cfg.Window, cfg.PublishesPerSecond = uplink.MaxWindow, perSecond
	start := time.Now()
	_, stop := run(t, cfg, src)
	await(t, src.all, "all to be durable")
	stop()
	early := 0
	for _, at := range stamps {
		if at.Sub(start) < time.Second {
			early++
		}
	}
	if early > perSecond || len(stamps) != n {
		t.Errorf("got %d messages in the first second and %d in all, want %d at most and %d", early, len(stamps), perSecond,
			n)
	}
}
