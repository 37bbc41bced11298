//go:build !race

// Package race says to tests whether the race detector runs.
package race

// Enabled says that the race detector makes everything some ten times slower.
const Enabled = false
