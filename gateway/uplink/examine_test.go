package uplink_test

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"piway/shared/mqttlink/fakebroker"
	"piway/shared/testlog"
)

// errorsOf is a logger of what is said at level Error.
func errorsOf(l *testlog.Log) *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelError}))
}

// One message for which the connection is closed each time is parked, and the ones behind it go.
func TestUplink_parksAPoisonMessage(t *testing.T) {
	for _, poison := range []string{"m0", "m2", "m4"} {
		t.Run(poison, func(t *testing.T) {
			b := fakebroker.New(t, nil)
			var sent atomic.Int64
			b.Puback = func(p fakebroker.Publish) bool {
				if string(p.Payload) == poison {
					sent.Add(1)
					b.Drop()
					return false
				}
				return true
			}
			src := newSource(6) // one comes behind the last poison: with nothing else to try, nothing can be said
			cfg := settings(b)
			said := new(testlog.Log)
			cfg.Log = errorsOf(said)
			_, stop := run(t, cfg, src)
			await(t, src.all, "all but one to be durable")
			stop()
			if src.parked != 1 || sent.Load() != 4 {
				t.Errorf("parked %d after %d tries, want 1 after 4", src.parked, sent.Load())
			}
			if line := said.Next(t); !strings.Contains(line, "is parked") || said.Left() > 0 {
				t.Errorf("said %q and %d more", line, said.Left())
			}
		})
	}
}

// A policy that denies all publishes parks nothing, and is told once with the statement that is missing. When it is
// mended all is sent.
func TestUplink_deniedWhateverIsPublished(t *testing.T) {
	b := fakebroker.New(t, nil)
	var mended atomic.Bool
	b.Puback = func(fakebroker.Publish) bool {
		if !mended.Load() {
			b.Drop()
		}
		return mended.Load()
	}
	src := newSource(6)
	cfg := settings(b)
	said := new(testlog.Log)
	cfg.Log = errorsOf(said)
	u, stop := run(t, cfg, src)
	line := said.Next(t)
	if want := "allow iot:Publish on arn:aws:iot:REGION:ACCOUNT:topic/raspi/metrics"; !strings.Contains(line, want) {
		t.Errorf("got %s, want %q in it", line, want)
	}
	for lost := u.Stats().Lost; u.Stats().Lost < lost+10; { // it goes on without a word
		await(t, b.Connects, "another connect")
	}
	mended.Store(true)
	await(t, src.all, "all to be durable")
	stop()
	if src.parked != 0 || said.Left() != 0 {
		t.Errorf("parked %d, said %d more, want nothing of both", src.parked, said.Left())
	}
}

// With one message only there is nothing to compare: it is kept and tried again, and goes when the line is good.
func TestUplink_oneMessageIsNotParked(t *testing.T) {
	b := fakebroker.New(t, nil)
	var n atomic.Int64
	b.Puback = func(fakebroker.Publish) bool {
		if n.Add(1) < 6 {
			b.Drop()
			return false
		}
		return true
	}
	src := newSource(1)
	cfg := settings(b)
	cfg.AckTimeout = 50 * time.Millisecond // what it waits for a second message
	_, stop := run(t, cfg, src)
	await(t, src.all, "it to be durable")
	stop()
	if src.parked != 0 {
		t.Error("the only message was parked")
	}
}
