//go:build !linux

package main

// unmapProgram does not know how to ask this system.
func unmapProgram() {}
