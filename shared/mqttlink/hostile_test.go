package mqttlink_test

import (
	"io"
	"net"
	"runtime"
	"testing"

	"piway/shared/mqttlink"
)

// hostile answers one connection with these bytes, behind a CONNACK if accept, and returns where.
func hostile(t *testing.T, accept bool, answer []byte) string {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = ln.Close(); <-done })
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = conn.Read(make([]byte, 1024)) // the CONNECT
		if accept {
			_, _ = conn.Write([]byte{0x20, 2, 0, 0})
		}
		_, _ = conn.Write(answer)
		_, _ = io.Copy(io.Discard, conn)
	}()
	return "tcp://" + ln.Addr().String()
}

// A server that announces a packet of 256 MB, of whatever type and at whatever time, gets no memory for it: the
// connection ends. paho itself makes room for what is announced.
func TestLink_announcedTooLong(t *testing.T) {
	for kind := range byte(16) {
		for _, accept := range []bool{false, true} {
			head := kind << 4
			if kind == 3 {
				head |= 2 // QoS 1: one of QoS 0 is passed over
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			l, err := mqttlink.Connect(t.Context(), mqttlink.Options{
				Broker: hostile(t, accept, []byte{head, 0xff, 0xff, 0xff, 0x7f}), ClientID: "x",
			})
			if (err == nil) != accept {
				t.Errorf("type %d: got %v", kind, err)
			}
			if err == nil {
				wait(t, "the end of the link", l.Lost())
				l.Close()
			}
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
				t.Errorf("type %d, connected %v: %d bytes were allocated", kind, accept, took)
			}
		}
	}
}
