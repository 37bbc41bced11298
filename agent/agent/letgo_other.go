//go:build !linux

package agent

import "runtime/debug"

// letGo gives back what is not in use any more.
func letGo() { debug.FreeOSMemory() }
