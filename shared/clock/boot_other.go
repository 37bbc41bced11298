//go:build !linux

package clock

import "time"

var start = time.Now()

// SinceBoot is the time since the process started: more is not known here.
func SinceBoot() time.Duration { return time.Since(start) }

// BootID is not known here.
func BootID() string { return "" }
