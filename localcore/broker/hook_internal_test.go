package broker

import (
	"testing"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

func TestHook_OnConnect_clampsKeepAlive(t *testing.T) {
	for asked, want := range map[uint16]uint16{0: 1200, 1: 30, 30: 30, 60: 60, 1200: 1200, 1201: 1200, 65535: 1200} {
		cl := &mqtt.Client{}
		cl.Properties.ProtocolVersion = 4
		cl.State.Keepalive = asked
		if err := (&hook{}).OnConnect(cl, packets.Packet{}); err != nil {
			t.Fatal(err)
		}
		if got := cl.State.Keepalive; got != want {
			t.Errorf("keep-alive %d: got %d, want %d", asked, got, want)
		}
	}
}
