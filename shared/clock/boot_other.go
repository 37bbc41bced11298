//go:build !linux

package clock

import "time"

// SinceBoot is not known here.
func SinceBoot() time.Duration { return 0 }

// BootID is not known here.
func BootID() string { return "" }
