package broker_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"piway/gateway/broker"
)

// BenchmarkBroker_publish is the way of honest publishes of QoS 1 and 400 bytes from 16 clients, 16 in flight each, to
// a receiver that acknowledges at once.
func BenchmarkBroker_publish(b *testing.B) {
	const clients, window = 16, 16
	r := start(b, func(c *broker.Config) {
		c.Handle = func(_ string, _ []byte, done func(error)) { done(nil) }
		c.Log = slog.New(slog.DiscardHandler)
	})
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range clients {
		user := []string{"pi1", "pi2"}[i%2]
		c := r.connectAs(login{user: user, password: "hunter-" + user, id: strings.Repeat("x", i+1)})
		n := b.N/clients + 1
		wg.Go(func() {
			in := bufio.NewReader(c.conn)
			payload := strings.Repeat("x", 400)
			ack := make([]byte, 4)
			for sent, acked := 0, 0; acked < n; acked++ {
				for sent < n && sent-acked < window {
					p := publishPacket("pi/"+user+"/samples", payload, 1, uint16(sent%60_000+1))
					if _, err := c.conn.Write(p); err != nil {
						b.Error(err)
						return
					}
					sent++
				}
				if _, err := io.ReadFull(in, ack); err != nil || ack[0] != 0x40 || binary.BigEndian.Uint16(ack[2:]) == 0 {
					b.Errorf("got %v, %v", ack, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
