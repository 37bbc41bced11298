package gateway

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/intake"
	"piway/shared/sample"
)

// What devices send that is as much work as can be made of a message costs the gateway little memory, the honest device
// none of its acknowledgements, and is counted as it was sent.
func TestHostile_messages(t *testing.T) {
	const devices, each, rounds = 8, 8, 2
	messages := []struct {
		payload []byte
		reason  string // of all its samples
		n       int64
	}{
		{[]byte("[" + strings.Repeat("{},", 42_999) + "{}]"), intake.ReasonSize, 43_000},
		{[]byte("[" + strings.Repeat("[", 127<<10)), sample.ReasonJSON, 1},
		{[]byte(`{"run":"x","samples":[` + strings.Repeat(`{"value":NaN},`, 999) + `{"value":NaN}]}`), sample.ReasonValue, 1000},
		{[]byte(`[{"name":"` + strings.Repeat("x", 126<<10) + `"}]`), sample.ReasonName, 1},
		{[]byte(`[{"x":` + strings.Repeat(`{"x":`, 20_000) + strings.Repeat("}", 20_000) + `}]`), sample.ReasonJSON, 1},
	}
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	p := w.gateway(&cfg, "kitchen")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	clients := map[*raw]string{}
	for d := range devices {
		name := fmt.Sprintf("hostile-%d", d)
		password, err := p.AddDevice(name, true)
		if err != nil {
			t.Fatal(err)
		}
		for i := range each {
			clients[rawClient(t, p.Addr(), name, password, fmt.Sprint(i))] = "pi/" + name + "/samples"
		}
	}
	grew := heapGrowth(ctx)
	var running sync.WaitGroup
	for c, topic := range clients {
		running.Go(func() {
			for range rounds {
				for _, m := range messages {
					c.publish(topic, m.payload)
				}
			}
			c.acknowledged(rounds * len(messages))
		})
	}
	ended := make(chan struct{})
	go func() {
		running.Wait()
		close(ended)
	}()
	reports := int64(0)
	for loop := true; loop; reports++ {
		p.report("kitchen", "cpu", 1)
		select {
		case <-ended:
			loop = false
		default:
		}
	}
	if n := grew(); n > 192<<20 {
		t.Errorf("the heap grew by %d MiB", n>>20)
	}
	by := p.drained(ctx)
	if got := by["kitchen"]; got.Stored != reports {
		t.Errorf("of %d reports %d are stored", reports, got.Stored)
	}
	want := map[string]int64{}
	for _, m := range messages {
		want[m.reason] += m.n * each * rounds
	}
	for d := range devices {
		got := by[fmt.Sprintf("hostile-%d", d)]
		for reason, n := range want {
			if got.Refused[reason] != n {
				t.Errorf("%s: refused %v, want %v", got.Device, got.Refused, want)
			}
		}
	}
}

// heapGrowth watches the heap until the returned function is called, which tells by how much it grew at most, what is
// not collected yet included.
func heapGrowth(ctx context.Context) (grew func() int64) {
	ctx, stop := context.WithCancel(ctx)
	most, began := make(chan int64), heap()
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		n := began
		for ctx.Err() == nil {
			n = max(n, heap())
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
		most <- n - began
	}()
	return func() int64 {
		stop()
		return <-most
	}
}

func heap() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

// A raw client keeps nothing of what it sends.
type raw struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	id   uint16
}

func rawClient(t *testing.T, addr net.Addr, user, password, id string) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // nothing more is expected
	c := &raw{t: t, conn: conn, in: bufio.NewReader(conn)}
	body := append(mqttText("MQTT"), 4, 0b11000010, 0, 60)
	body = append(append(append(body, mqttText(id)...), mqttText(user)...), mqttText(password)...)
	c.write(binary.AppendUvarint([]byte{0x10}, uint64(len(body))), body)
	c.read(0x20, 2, 0, 0)
	return c
}

func mqttText(s string) []byte { return append([]byte{byte(len(s) >> 8), byte(len(s))}, s...) }

func (c *raw) publish(topic string, payload []byte) {
	c.id++
	head := binary.BigEndian.AppendUint16(mqttText(topic), c.id)
	c.write(binary.AppendUvarint([]byte{0x32}, uint64(len(head)+len(payload))), head, payload)
}

// acknowledged reads n PUBACKs, of all that was published.
func (c *raw) acknowledged(n int) {
	for id := range n {
		c.read(0x40, 2, byte((id+1)>>8), byte(id+1))
	}
}

func (c *raw) write(parts ...[]byte) {
	for _, part := range parts {
		if _, err := c.conn.Write(part); err != nil {
			c.t.Error(err)
		}
	}
}

func (c *raw) read(want ...byte) {
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c.in, got); err != nil || string(got) != string(want) {
		c.t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// Until a message is committed what is held of it is the row that will be written: not the payload, nor its samples.
func TestGateway_handle_holdsTheRow(t *testing.T) {
	cfg := worldConfig(cloud.Metric)
	newWorld(t, nil, nil, &cfg)
	g, err := Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(t.Context())
	if _, err := g.AddDevice("kitchen", true); err != nil {
		t.Fatal(err)
	}
	const messages = 200
	sent := `{"samples":[` + strings.Repeat(`{"name":"a metric of some length","unit":"Count","value":1},`, 999) + `{}]}`
	before, answered := live(), 0
	for range messages {
		g.handle("kitchen", []byte(sent), func(error) { answered++ })
	}
	if grew := live() - before; grew > messages*int64(len(sent))*3/2 { // the names are longer
		t.Errorf("%d bytes are held of %d messages of %d bytes", grew, messages, len(sent))
	}
	if answered > 0 {
		t.Error("nothing was committed, and it was answered")
	}
}

// live is the size of what is on the heap and reachable.
func live() int64 {
	for range 2 { // pools give up what they hold at the second
		runtime.GC()
	}
	return heap()
}
