package sample

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"piway/shared/sample/advice"
	"piway/shared/sample/scan"
)

// A time is given in seconds since 1970, in milliseconds, of which there are 13 digits from 2001 to 2286, or in
// ISO 8601 with a zone. Nothing else is guessed: a time that is off by a zone is worse than none.
const (
	leastMilli, mostMilli = 1e12, 1e13
	leastMicro, mostMicro = 1e15, 1e16
	leastNano, mostNano   = 1e18, 1e19
)

// time returns Unix seconds, 0 when the member is absent or says 0. An error does not name the value.
func (n *number) time() (float64, error) {
	switch {
	case !n.set:
		return 0, nil
	case n.bad == "null":
		return 0, errNoTime
	case n.bad != "":
		return 0, errNotTime
	}
	if n.parsed {
		return unixSeconds(n.v)
	}
	if v, err := parseNumber(n.text); err == nil {
		return unixSeconds(v)
	}
	return isoSeconds(scan.Trim(n.text))
}

var (
	errNoTime  = errors.New(advice.NoTime)
	errNotTime = errors.New(advice.NotTime)
)

// shown is the member as it was sent; text is the sample's.
func (n *number) shown(member string, text []byte) string {
	if n.bad != "" || n.text != "" || !n.parsed {
		return n.bad + n.text
	}
	s := FormatValue(n.v)
	scan.EachMember(text, func(key string, raw []byte) {
		if key == member {
			s = string(raw) // a float64 does not hold all digits of nanoseconds
		}
	})
	return s
}

func unixSeconds(v float64) (float64, error) {
	wrong := func(what string, scale float64) (float64, error) {
		return 0, fmt.Errorf("in %s; write seconds, such as %s, or milliseconds", what,
			strconv.FormatFloat(v/scale, 'f', 3, 64))
	}
	switch {
	case v < leastMilli:
		return v, nil
	case v < mostMilli:
		return v / 1e3, nil
	case leastMicro <= v && v < mostMicro:
		return wrong("microseconds", 1e6)
	case leastNano <= v && v < mostNano:
		return wrong("nanoseconds", 1e9)
	default:
		return 0, errors.New("neither seconds since 1970 (10 digits) nor milliseconds (13); " + advice.TimeFix)
	}
}

// maxTime is more than any time takes as text, in bytes.
const maxTime = 64

// isoTime is ISO 8601 as it is sent: extended or basic, with a space for the T (RFC 3339, 5.6), seconds and their
// fraction left out or behind a comma, the offset with minutes or without.
var isoTime = scan.NewPattern(`^(\d{4})-?(\d\d)-?(\d\d)[Tt ] *(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)? *` +
	`(?:([Zz]|UTC|GMT)|([-+])(\d\d)(?::?(\d\d))?)?$`)

// isoSeconds returns the Unix seconds of a time in ISO 8601, to the microsecond.
func isoSeconds(s string) (float64, error) {
	if len(s) > maxTime {
		return 0, errNotTime
	}
	m := isoTime.Find(scan.ASCII(s))
	switch {
	case m == nil:
		return 0, errors.New(advice.Time(s))
	case m[8] == "" && m[9] == "":
		return 0, fmt.Errorf(`without a zone; write "%s-%s-%sT%s:%s:%sZ" if that is UTC, else with its offset, such as `+
			`+01:00, for the Z`, m[1], m[2], m[3], m[4], or00(m[5]), or00(m[6]))
	}
	at, ok := isoDated(m)
	if !ok {
		return 0, errors.New("no such time; " + advice.TimeFix)
	}
	if at.UnixMicro() == 0 {
		return 1e-6, nil // 0 is none, and this is one, if not of a clock that was set
	}
	return Seconds(at), nil
}

// isoDated returns the time of a match of isoTime, false if the calendar has none. A second 60 is the next minute's
// first, as Unix counts a leap second.
func isoDated(m []string) (at time.Time, ok bool) {
	n := func(i int) int { v, _ := strconv.Atoi(or00(m[i])); return v } // of digits alone
	nanos, _ := strconv.Atoi((m[7] + "000000000")[:9])
	offset := time.Duration(n(10))*time.Hour + time.Duration(n(11))*time.Minute
	if m[9] == "-" {
		offset = -offset
	}
	day := time.Date(n(1), time.Month(n(2)), n(3), 0, 0, 0, 0, time.UTC)
	if day.Month() != time.Month(n(2)) || day.Day() != n(3) || n(4) > 23 || n(5) > 59 || n(6) > 60 || n(10) > 23 ||
		n(11) > 59 {
		return at, false
	}
	return time.Date(n(1), time.Month(n(2)), n(3), n(4), n(5), n(6), nanos, time.UTC).Add(-offset), true
}

func or00(digits string) string {
	if digits == "" {
		return "00"
	}
	return digits
}
