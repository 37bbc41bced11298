package broker

import "testing"

func TestClampKeepAlive(t *testing.T) {
	for asked, want := range map[uint16]uint16{
		0: 1200, 1: 30, 29: 30, 30: 30, 60: 60, 1200: 1200, 1201: 1200,
		65535: 1200,
	} {
		if got := clampKeepAlive(asked); got != want {
			t.Errorf("%d s asked for: got %d, want %d", asked, got, want)
		}
	}
}
