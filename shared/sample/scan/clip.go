package scan

import "strconv"

// Clip quotes foreign text for an error, shortened so that it cannot flood a log.
func Clip(s string) string {
	const most = 60
	if len(s) <= most {
		return strconv.Quote(s)
	}
	return strconv.Quote(s[:most]) + "…"
}
