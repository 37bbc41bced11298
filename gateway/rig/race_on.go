//go:build race

package rig

// Race says that the race detector makes everything some ten times slower.
const Race = true
