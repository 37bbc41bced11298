package uplink_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"piway/gateway/uplink"
	"piway/localcore/broker"
	"piway/shared/testlog"
)

// twoOfOneID is localcore's broker, and two uplinks with one client id.
type twoOfOneID struct {
	t    *testing.T
	aws  *broker.Broker
	stop func() // of aws
	said [2]*testlog.Log
	cfg  [2]uplink.Config
	mu   sync.Mutex // guards got
	got  map[string]int
}

func newTwo(t *testing.T, away time.Duration) *twoOfOneID {
	t.Helper()
	w := &twoOfOneID{t: t, got: map[string]int{}}
	w.open("127.0.0.1:0")
	for i := range w.cfg {
		w.said[i] = new(testlog.Log)
		w.cfg[i] = uplink.Config{
			Broker: "tcp://" + w.aws.Addr().String(), ClientID: "gateway", Topic: "raspi/metrics",
			Window: 50, PublishesPerSecond: 100, BytesPerSecond: 400 << 10, AckTimeout: patience,
			ConnectInterval: 30 * time.Millisecond, MaxBackoff: 30 * time.Millisecond, KeepAlive: time.Minute,
			SharedInterval: away, Log: slog.New(slog.NewTextHandler(w.said[i], nil)),
		}
	}
	return w
}

// open serves at an address, until the test ends or w.stop is called.
func (w *twoOfOneID) open(addr string) {
	w.t.Helper()
	var seconds atomic.Int64 // AWS takes one CONNECT a second of a client id, by a clock that runs as fast as the test
	aws, err := broker.Open(w.t.Context(), addr, broker.Options{
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Unix(seconds.Add(1), 0) },
		OnPublish: func(p broker.Publish) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.got[string(p.Payload)]++
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- aws.Run(ctx) }()
	w.aws = aws
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(w.stop)
}

// The gateway that is taken over again and again leaves the connection to the other one, which loses nothing.
func TestUplink_takenOver_staysAway(t *testing.T) {
	w := newTwo(t, time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	first, second := newSource(0), newSource(0)
	_, stopA := run(t, w.cfg[0], first)
	_, stopB := run(t, w.cfg[1], second)
	told := make(chan int, 2)
	for i := range w.said {
		go func() {
			if _, err := w.said[i].Await(ctx, 1, "same client id"); err == nil {
				told <- i
			}
		}()
	}
	loser := await(t, told, "one of them to give way")
	winner := 1 - loser
	takeovers := w.aws.Counts().Takeovers
	if takeovers < 12 {
		t.Errorf("gave way after %d takeovers", takeovers)
	}
	// The other one goes on: it may have been thrown out just now, and comes back once more.
	w.said[winner].Want(ctx, t, "connected to AWS")
	stops := []func(){stopA, stopB}
	stops[winner]()
	if after := w.aws.Counts().Takeovers; after > takeovers+1 {
		t.Errorf("%d takeovers more, want the loser to stay away", after-takeovers)
	}
	stops[loser]()
	if n := len(w.said[loser].With("same client id")); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// When the other one is gone, the next connection sends everything.
func TestUplink_takenOver_goesOn(t *testing.T) {
	const n = 200
	w := newTwo(t, 200*time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, stopOther := run(t, w.cfg[1], newSource(0))
	// The other one comes back at once: it has no patience.
	src := newSource(n)
	u, stop := run(t, w.cfg[0], src)
	w.said[0].Want(ctx, t, "same client id")
	stopOther()
	await(t, src.all, "all to be durable")
	stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range n {
		if w.got[fmt.Sprint("m", i)] == 0 {
			t.Errorf("m%d is lost", i)
		}
	}
	if src.parked > 0 || u.Stats().Acked != n {
		t.Errorf("parked %d, acknowledged %d", src.parked, u.Stats().Acked)
	}
}

// A connection that cannot be made is the line's doing, and so may those be that ended before it.
func TestUplink_outage_endsTheCount(t *testing.T) {
	w := newTwo(t, time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	u, _ := run(t, w.cfg[0], newSource(0))
	lost := 0
	end := func(how func()) {
		lost++
		if _, err := w.said[0].Await(ctx, lost, "connected to AWS"); err != nil {
			t.Fatal(err)
		}
		how()
		if _, err := w.said[0].Await(ctx, lost, "connection to AWS lost"); err != nil {
			t.Fatal(err)
		}
	}
	const enough = 12
	for range enough - 2 {
		end(w.aws.Drop)
	}
	end(w.stop)
	w.said[0].Want(ctx, t, "connecting to AWS failed")
	w.open(w.aws.Addr().String())
	end(w.aws.Drop)
	if u.Away() != 0 {
		t.Error("stays away after an outage")
	}
	for range enough - 1 {
		end(w.aws.Drop)
	}
	if u.Away() != time.Hour {
		t.Errorf("%d in a row are not enough", enough)
	}
}
