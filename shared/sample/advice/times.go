package advice

import "piway/shared/sample/scan"

// What is said of times.
const (
	NoTime  = "no time; leave it out"
	NotTime = "not a time; " + TimeFix
	// TimeFix is what to write for a time.
	TimeFix = `write seconds since 1970, or a time such as "2026-11-27T05:00:00Z"`
)

var (
	isoZoned = scan.NewPattern(`^\d{4}-?\d\d-?\d\d[Tt ] *\d\d:?\d\d.*[\[A-Za-z]`)
	isoDate  = scan.NewPattern(`^\d{4}-\d\d-\d\d$`)
	isoOther = scan.NewPattern(`^\d{4}-?W\d\d|^\d{4}-\d{3}([Tt ]|$)`)
)

// Time says what a text that is no time looks like, and what to write.
func Time(s string) string {
	switch {
	case s == "", notANumber(s):
		return NoTime
	case isoDate.Matches(s):
		return `a date without a time of day; write "` + s + `T12:00:00Z", with the time`
	case isoOther.Matches(s):
		return "a date by its week or its day in the year; " + TimeFix
	case isoZoned.Matches(s):
		return "its zone is not an offset; write Z for UTC, else the offset, such as +01:00"
	default:
		return NotTime
	}
}
