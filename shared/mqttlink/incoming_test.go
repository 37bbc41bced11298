package mqttlink_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"piway/shared/mqttlink/fakebroker"
)

// What came before a PUBACK has been heard when its delivery is done.
func TestSubscribeInOrder(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	b.Puback = func(p fakebroker.Publish) bool {
		b.Send("told", string(p.Payload))
		return true
	}
	l := connect(t, b)
	var heard atomic.Value
	if err := l.SubscribeInOrder(t.Context(), "told", func(payload []byte) { heard.Store(string(payload)) }); err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		text := fmt.Sprint(i)
		d := l.Publish("a", []byte(text))
		wait(t, "delivery", d.Done())
		if got := heard.Load(); got != text || d.Err() != nil {
			t.Fatalf("%s is acknowledged, and heard is %v (%v)", text, got, d.Err())
		}
	}
}

func TestSubscribeInOrder_refused(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	b.Suback = 0x80
	l := connect(t, b)
	if err := l.SubscribeInOrder(t.Context(), "told", func([]byte) {}); err == nil || l.Err() != nil {
		t.Errorf("got %v, and the link %v", err, l.Err())
	}
}

// A message that is too large is passed over, and those behind it come.
func TestSubscribeInOrder_tooLarge(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	l := connect(t, b)
	sizes := make(chan int, 10)
	if err := l.SubscribeInOrder(t.Context(), "told", func(payload []byte) { sizes <- len(payload) }); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{10 << 20, 256<<10 + 1, 100_000, 0} {
		b.Send("told", strings.Repeat("x", n))
	}
	d := l.Publish("a", nil)
	wait(t, "delivery", d.Done())
	if a, b := <-sizes, <-sizes; a != 100_000 || b != 0 || d.Err() != nil {
		t.Errorf("heard %d and %d, %v", a, b, d.Err())
	}
}
