package page

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// cleanse makes the output of a template fit to be shown: what is foreign may hold control characters, which an HTML
// page must not contain, and marks that turn the direction of what follows. Done for all at once, so that no
// field can be forgotten.
func cleanse(page string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < 0x20:
			return r + 0x2400 // the picture of the control character
		case r == 0x7f:
			return '\u2421'
		case r > 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfffe, r == 0xffff:
			return utf8.RuneError
		}
		return r // Map hands over RuneError for what is not UTF-8
	}, page)
}

// shorten cuts a long text and says how long it was.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return fmt.Sprintf("%s … (%s bytes in all)", s[:cut], count(len(s)))
}

// A stamp is a time as the page shows it.
type stamp struct{ ISO, Text, Ago string }

func (c choices) stamp(now, t time.Time) stamp {
	if t.IsZero() {
		return stamp{}
	}
	t, now = t.In(c.zone), now.In(c.zone)
	layout := "15:04:05"
	switch {
	case t.Year() != now.Year():
		layout = "2 Jan 2006 15:04:05"
	case t.YearDay() != now.YearDay():
		layout = "2 Jan 15:04:05"
	}
	return stamp{ISO: t.Format(time.RFC3339), Text: t.Format(layout), Ago: ago(now.Sub(t))}
}

// ago says how long something is past, or still to come.
func ago(d time.Duration) string {
	if d <= -time.Second {
		return "in " + length(-d)
	}
	return length(max(d, 0)) + " ago"
}

// length writes a duration in one unit.
func length(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// zoneName is the name of the zone with its offset at t.
func zoneName(t time.Time, zone *time.Location) string {
	name := strings.Replace(zone.String(), "Local", "local time", 1)
	switch abbreviation, _ := t.In(zone).Zone(); {
	case name == "UTC":
		return name
	case abbreviation == "UTC":
		return name + " (UTC)"
	case strings.HasPrefix(abbreviation, "+") || strings.HasPrefix(abbreviation, "-"):
		return name + " " + t.In(zone).Format("(UTC-07:00)")
	}
	return name + " " + t.In(zone).Format("(MST, UTC-07:00)")
}

// plural writes a number of things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}
