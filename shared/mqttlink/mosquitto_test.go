package mqttlink_test

import (
	"testing"

	"piway/shared/mqttlink"
	"piway/shared/mqttlink/fakebroker"
)

// TestMosquitto speaks to a broker that is not ours.
func TestMosquitto(t *testing.T) {
	t.Parallel()
	addr := fakebroker.Mosquitto(t)
	connect := func(id string, will *mqttlink.Message) *mqttlink.Link {
		l, err := mqttlink.Connect(t.Context(), mqttlink.Options{Broker: "tcp://" + addr, ClientID: id, Will: will})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		return l
	}
	got := make(chan string, 10)
	err := connect("sub", nil).Subscribe(t.Context(), "pi/#", func(_ string, p []byte) { got <- string(p) })
	if err != nil {
		t.Fatal(err)
	}
	first := connect("pub", &mqttlink.Message{Topic: "pi/pub/status", Payload: []byte("offline")})
	d := first.Publish("pi/pub/samples", []byte("hello"))
	wait(t, "delivery", d.Done())
	if d.Err() != nil {
		t.Fatal(d.Err())
	}
	if s := <-got; s != "hello" {
		t.Errorf("got %q, want hello", s)
	}
	connect("pub", nil) // the same id ends the first connection, whose will is published
	wait(t, "loss of the first", first.Lost())
	if s := <-got; s != "offline" {
		t.Errorf("got %q, want the will", s)
	}
}
