package mqttlink_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"piway/shared/mqttlink"
	"piway/shared/mqttlink/fakebroker"
)

// patience bounds every wait in these tests; it is only used up when one fails.
const patience = 20 * time.Second

func connect(t *testing.T, b *fakebroker.Broker) *mqttlink.Link {
	t.Helper()
	l, err := mqttlink.Connect(t.Context(), mqttlink.Options{Broker: "tcp://" + b.Addr(), ClientID: "c1"})
	if err != nil {
		t.Fatalf("Connect: %v", err)
	}
	t.Cleanup(l.Close)
	return l
}

func wait(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s: nothing in %s", what, patience)
	}
}

func TestConnect_says_who_it_is(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	l, err := mqttlink.Connect(t.Context(), mqttlink.Options{
		Broker: "tcp://" + b.Addr(), ClientID: "kitchen", Username: "u", Password: "p",
		KeepAlive: time.Minute, Will: &mqttlink.Message{Topic: "pi/kitchen/status", Payload: []byte("offline")},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	want := fakebroker.Connect{
		ClientID: "kitchen", Username: "u", Password: "p", KeepAlive: 60, Clean: true,
		WillTopic: "pi/kitchen/status", WillPayload: "offline",
	}
	if got := <-b.Connects; got != want {
		t.Errorf("CONNECT: got %+v, want %+v", got, want)
	}
}

func TestPublish_acknowledged(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	l := connect(t, b)
	d := l.Publish("a/b", []byte("hello"))
	wait(t, "delivery", d.Done())
	if d.Err() != nil {
		t.Errorf("Err after PUBACK: got %v, want nil", d.Err())
	}
	if p := <-b.Publishes; p.Topic != "a/b" || string(p.Payload) != "hello" || p.Retain || p.ID == 0 {
		t.Errorf("got %+v, want hello on a/b with an id, not retained", p)
	}
}

func TestPublish_connection_lost_before_the_acknowledgement(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	b.Puback = func(fakebroker.Publish) bool { return false }
	l := connect(t, b)
	first, second := l.Publish("a", []byte("1")), l.Publish("a", []byte("2"))
	<-b.Publishes
	<-b.Publishes
	select {
	case <-first.Done():
		t.Fatalf("settled without a PUBACK: %v", first.Err())
	default:
	}
	b.Drop()
	for _, d := range []*mqttlink.Delivery{first, second} {
		wait(t, "delivery", d.Done())
		if d.Err() == nil {
			t.Error("a delivery whose PUBACK never came: got nil, want an error")
		}
	}
	wait(t, "lost", l.Lost())
	if l.Err() == nil {
		t.Error("Err of a lost link: got nil")
	}
	late := l.Publish("a", []byte("3"))
	wait(t, "delivery after the loss", late.Done())
	if late.Err() == nil {
		t.Error("publishing on a lost link: got nil, want an error")
	}
}

func TestClose_fails_what_is_pending(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	b.Puback = func(fakebroker.Publish) bool { return false }
	l := connect(t, b)
	d := l.Publish("a", []byte("1"))
	<-b.Publishes
	l.Close()
	l.Close()
	wait(t, "delivery", d.Done())
	if d.Err() == nil {
		t.Error("a delivery pending at Close: got nil, want an error")
	}
	if !errors.Is(l.Err(), mqttlink.ErrClosed) {
		t.Errorf("Err: got %v, want ErrClosed", l.Err())
	}
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	l := connect(t, b)
	got := make(chan string, 1)
	err := l.Subscribe(t.Context(), "pi/x/rejected", func(topic string, p []byte) { got <- topic + " " + string(p) })
	if err != nil {
		t.Fatal(err)
	}
	b.Send("pi/x/rejected", "no")
	select {
	case s := <-got:
		if s != "pi/x/rejected no" {
			t.Errorf("got %q", s)
		}
	case <-time.After(patience):
		t.Error("no message")
	}
}

func TestSubscribe_refused(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	b.Suback = 0x80
	l := connect(t, b)
	if err := l.Subscribe(t.Context(), "x", nil); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestConnect_refused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		code  int
		login bool
		want  string
	}{
		{"protocol", 1, false, "3.1.1"},
		{"client id", 2, false, "client id"},
		{"unavailable", 3, false, "unavailable"},
		{"password", 4, true, "password"},
		{"not authorised", 5, true, "not authorised"},
		{"a code that the library takes for success", 0x9A, false, "0x9a"},
		{"another one", 6, false, "0x06, which MQTT 3.1.1 does not have"},
		{"a login of MQTT 5", 0x86, false, "0x86, which MQTT 3.1.1 does not have (in MQTT 5: bad user name or password)"},
		{"the last one", 0xFF, false, "0xff, which MQTT 3.1.1 does not have"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := fakebroker.New(t, nil)
			b.Connack = func(fakebroker.Connect) int { return tt.code }
			_, err := mqttlink.Connect(t.Context(), mqttlink.Options{
				Broker: "tcp://" + b.Addr(), ClientID: "c", Username: "u",
				Password: "hush",
			})
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, mqttlink.ErrLogin) != tt.login {
				t.Fatalf("got %v, want %q, login refusal %t", err, tt.want, tt.login)
			}
			if !strings.Contains(err.Error(), b.Addr()) || strings.Contains(err.Error(), "hush") {
				t.Errorf("error must name the broker and no password: %v", err)
			}
			if <-b.Connects; len(b.Connects) != 0 {
				t.Error("more than one CONNECT for one Connect")
			}
		})
	}
}

func TestConnect_nobody_there(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = mqttlink.Connect(t.Context(), mqttlink.Options{Broker: "tcp://" + addr, ClientID: "c"})
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v, want connection refused", err)
	}
}

func TestConnect_silent_server(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	b.Connack = func(fakebroker.Connect) int { return -1 }
	t.Run("deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := mqttlink.Connect(ctx, mqttlink.Options{Broker: "tcp://" + b.Addr(), ClientID: "c"})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		select {
		case <-b.Connects:
		default: // on a busy machine the deadline comes first
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-b.Connects
			cancel()
		}()
		_, err := mqttlink.Connect(ctx, mqttlink.Options{Broker: "tcp://" + b.Addr(), ClientID: "c"})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want canceled", err)
		}
	})
}

func TestConnect_bad_options(t *testing.T) {
	t.Parallel()
	for _, broker := range []string{
		"", "localhost:1883", "http://x", "tcp://", "tcp://u:p@h", "tcp://h/path", "tcp://%zz",
		"tcp://::", "tcp://[fe80::1]:1883", "tcp://h:mqtt", "tcp://h ",
	} {
		if _, err := mqttlink.Connect(t.Context(), mqttlink.Options{Broker: broker}); err == nil {
			t.Errorf("broker %q: got nil, want an error", broker)
		}
	}
}
