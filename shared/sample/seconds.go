package sample

import "time"

// Seconds returns a time in Unix seconds, as a message has it: to the microsecond, which a float64 of today holds.
func Seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// Time returns the time that Seconds made of.
func Time(seconds float64) time.Time { return time.UnixMicro(int64(seconds * 1e6)) }

// Newest is the time of the newest sample, 0 if none has one.
func Newest(samples []Sample) (t float64) {
	for i := range samples {
		t = max(t, samples[i].Time)
	}
	return t
}
