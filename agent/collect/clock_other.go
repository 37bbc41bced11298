//go:build !linux

package collect

// clock does not know how to ask this system.
func clock() string { return "" }
