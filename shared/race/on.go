//go:build race

package race

// Enabled says that the race detector makes everything some ten times slower.
const Enabled = true
