package mqttlink

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"piway/shared/mqttlink/fakebroker"
)

// A library that reconnects by itself completes un-acknowledged tokens with success.
func TestLink_lost_stays_lost(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	b.Puback = func(fakebroker.Publish) bool { return false }
	l, err := Connect(t.Context(), Options{Broker: "tcp://" + b.Addr(), ClientID: "c"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := l.Publish("a", []byte("1"))
	<-b.Publishes
	b.Drop()
	<-d.Done()
	<-l.Lost()
	if d.Err() == nil {
		t.Error("delivery without PUBACK: got nil")
	}
	if l.client.IsConnected() {
		t.Error("the library is connecting again behind the link's back")
	}
	if _, err := l.wire.take(nil, paho.ClientOptions{}); err == nil {
		t.Error("a link gave out its socket twice")
	}
}

func TestClientOptions(t *testing.T) {
	t.Parallel()
	o := clientOptions(Options{Broker: "tcp://h:1", Will: &Message{Topic: "w"}}, &wire{}, nil)
	for name, bad := range map[string]bool{
		"auto reconnect":    o.AutoReconnect,
		"connect retry":     o.ConnectRetry,
		"resumed subs":      o.ResumeSubs,
		"kept session":      !o.CleanSession,
		"ordered handlers":  o.Order,
		"protocol":          o.ProtocolVersion != 4,
		"no write timeout":  o.WriteTimeout != 10*time.Second,
		"store":             o.Store != nil,
		"retained will":     o.WillRetained,
		"proxy-aware dial":  o.CustomOpenConnectionFn == nil,
		"the library pings": o.KeepAlive != 0,
	} {
		if bad {
			t.Errorf("option set: %s", name)
		}
	}
}

func FuzzParseBroker(f *testing.F) {
	for _, s := range []string{
		"tcp://h:1", "tls://[::1]", "mqtts://a.b", "tcp://h:99999", "::", "tcp://[::1",
		"tCp://::",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		addr, _, err := parseBroker(s)
		if err != nil {
			return
		}
		if host, port, err := net.SplitHostPort(addr.String()); err != nil || host == "" || port == "" {
			t.Errorf("broker %q: address %q cannot be dialled", s, addr)
		}
	})
}

// never is a token that the library forgot.
type never struct{ paho.Token }

func (never) Done() <-chan struct{} { return nil }

func TestLink_settled_does_not_wait_for_a_forgotten_token(t *testing.T) {
	t.Parallel()
	l := &Link{wire: &wire{}, lost: make(chan struct{}), log: slog.New(slog.DiscardHandler)}
	l.fail(io.ErrUnexpectedEOF)
	if err := l.settled(t.Context(), never{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want why the link was lost", err)
	}
}

func TestHandshake_ends_with_its_context(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, theirs) }() // listens and says nothing
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now() // of the bubble's clock
		_, err := handshake(ctx, newWire(ours), Options{Broker: "tcp://h", Log: slog.New(slog.DiscardHandler)})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("got %v after %s, want the deadline after 1s", err, time.Since(start))
		}
	})
}
