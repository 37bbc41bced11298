package collect

import (
	"golang.org/x/sys/unix"

	"piway/shared/sample"
)

// clock asks the kernel whether a time service keeps the clock right.
func clock() string {
	var t unix.Timex // Modes 0 only reads, which needs no privilege
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return ""
	}
	return clockState(state, t.Status)
}

func clockState(state int, status int32) string {
	if state == unix.TIME_ERROR || status&unix.STA_UNSYNC != 0 {
		return sample.Unsynced
	}
	return sample.Synced
}
