package sample_test

import (
	"testing"
	"time"

	"piway/shared/sample"
)

// What is rounded to milliseconds is written with three digits at most, as agents always sent it.
func TestSeconds(t *testing.T) {
	for ms := int64(1_763_791_460_000); ms < 1_763_791_462_000; ms++ {
		at := time.UnixMilli(ms)
		if got, want := sample.Seconds(at.Add(time.Microsecond).Truncate(time.Millisecond)), float64(ms)/1000; got != want {
			t.Fatalf("%s: got %v, want %v", at, got, want)
		}
		if back := sample.Time(sample.Seconds(at)); back.Sub(at).Abs() > time.Microsecond {
			t.Fatalf("%s: read back as %s", at, back)
		}
	}
}
