package advice

import "strings"

// notANumber reports whether a word is what Python, awk, C or Windows write for what is no number.
func notANumber(word string) bool {
	w := strings.ToLower(strings.TrimLeft(word, "+-"))
	switch w {
	case "nan", "qnan", "snan", "inf", "infinity", "∞":
		return true
	default: // nan(ind) of Windows, nan(0x8000) of others, and 1.#INF, 1.#QNAN00, 1.#IND
		return strings.HasPrefix(w, "nan(") || strings.HasPrefix(w, "1.#")
	}
}

const (
	noNumber  = "not a number that CloudWatch takes; leave the reading out"
	noReading = "no reading; send nothing instead"
	aState    = "a state, not a number; send 1 for one and 0 for the other"
)

// wordHint says what a word in the place of a number means, "" where it is none of those that are sent often.
func wordHint(word string) string {
	switch strings.ToLower(word) {
	case "null", "none", "nil", "undefined", "unavailable", "unknown", "error", "err", "fail", "failed", "timeout",
		"n/a", "na", "no data", "missing", "-", "--", "---", "?", "???":
		return noReading
	case "on", "off", "true", "false", "yes", "no", "open", "closed", "close", "online", "offline", "up", "down",
		"enabled", "disabled", "active", "inactive", "high", "low", "home", "not_home", "locked", "unlocked", "wet", "dry":
		return aState
	}
	if notANumber(word) {
		return noNumber
	}
	return ""
}

// NotNumeric says what to write for a value that is neither a number nor a string.
func NotNumeric(raw string) string {
	if hint := wordHint(raw); hint != "" { // null, true and false
		return hint
	}
	return "not a number; write the number itself, and each other reading as a sample of its own"
}
