package clock

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		state  int
		status int32
		want   State
	}{
		{unix.TIME_OK, unix.STA_PLL, Synced},
		{unix.TIME_INS, 0, Synced},
		{unix.TIME_OK, unix.STA_UNSYNC, Unsynced},
		{unix.TIME_ERROR, 0, Unsynced},
	} {
		if got := judge(tt.state, tt.status); got != tt.want {
			t.Errorf("state %d, status %#x: got %d, want %d", tt.state, tt.status, got, tt.want)
		}
	}
	if kernel() == Unknown {
		t.Error("the kernel cannot be asked")
	}
}
