package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func setDuration(v reflect.Value, text string) error {
	d, ok := ParseDuration(text)
	if !ok {
		return fmt.Errorf("must be a duration with a unit such as %s, got %s", exampleDuration(text), quote(text))
	}
	v.SetInt(int64(d))
	return nil
}

const (
	day     = 24 * time.Hour
	maxDays = uint64((1<<63 - 1) / day)
)

// ParseDuration reads Go's durations, with whole days of 24 hours in front if wanted: 10s, 1h30m, 14d, 1d12h.
// A unit is asked for even of 0: what a number means must be readable in the file.
func ParseDuration(text string) (time.Duration, bool) {
	days, rest, ok := strings.Cut(text, "d")
	if !ok {
		d, err := time.ParseDuration(text)
		return d, err == nil && endsInUnit(text)
	}
	n, err := strconv.ParseUint(days, 10, 64)
	if err != nil || n > maxDays {
		return 0, false
	}
	total := time.Duration(n) * day
	if rest == "" {
		return total, true
	}
	d, err := time.ParseDuration(rest)
	signed := strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "+")
	return total + d, err == nil && endsInUnit(rest) && !signed && total+d >= total
}

// endsInUnit is false for the only number that time.ParseDuration takes without one, 0.
func endsInUnit(text string) bool {
	return strings.HasSuffix(text, "s") || strings.HasSuffix(text, "m") || strings.HasSuffix(text, "h")
}

// inWords is a number and a unit that people write.
var inWords = regexp.MustCompile(`^(\d{1,5}) *(?i:(s|sec|secs|second|seconds)|(m|min|mins|minute|minutes)|(h|hour|hours)|(d|day|days))?$`)

// exampleDuration shows the fix: the number as given with the unit that was meant, or most likely meant.
func exampleDuration(text string) string {
	m := inWords.FindStringSubmatch(text)
	if m == nil {
		return "10s"
	}
	for i, unit := range []string{"s", "m", "h", "d"} {
		if m[i+2] != "" {
			return m[1] + unit
		}
	}
	return m[1] + "s"
}
