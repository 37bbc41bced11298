package collect

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestClockState(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		state  int
		status int32
		want   string
	}{
		{unix.TIME_OK, unix.STA_PLL, "synced"},
		{unix.TIME_INS, 0, "synced"},
		{unix.TIME_OK, unix.STA_UNSYNC, "unsynced"},
		{unix.TIME_ERROR, 0, "unsynced"},
	} {
		if got := clockState(tt.state, tt.status); got != tt.want {
			t.Errorf("state %d, status %#x: got %q, want %q", tt.state, tt.status, got, tt.want)
		}
	}
}
