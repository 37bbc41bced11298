package names

import (
	"strings"

	"piway/shared/sample"
)

// IsReport reports whether the full name is that of a sample in a report of the device.
func (n Names) IsReport(full, device string) bool {
	base, ok := unwrap(full, n.before, n.after, device)
	return ok && sample.CheckName(base) == nil
}

// Devices returns those in whose reports the template makes a full name, which is given in lower case and without space
// around it. alike returns the devices of a name in lower case. A template without a {device} makes names of nobody.
func (n Names) Devices(full string, alike func(name string) []string) (all []string) {
	n.each(full, func(device string) {
		some := alike(device)
		if len(some) == 0 {
			return
		}
		if base, ok := unwrap(full, n.lowBefore, n.lowAfter, device); ok && sample.CheckName(base) == nil {
			all = append(all, some...)
		}
	})
	return all
}

// each calls try with what may be the device in a name: what stands between two pieces of the template at an end of it.
func (n Names) each(full string, try func(device string)) {
	switch last := len(n.lowAfter) - 1; {
	case len(n.lowBefore) > 1:
		if rest, ok := strings.CutPrefix(full, n.lowBefore[0]); ok {
			eachBefore(rest, n.lowBefore[1], try)
		}
	case last > 0:
		if rest, ok := strings.CutSuffix(full, n.lowAfter[last]); ok {
			eachBehind(rest, n.lowAfter[last-1], try)
		}
	}
}

// eachBefore calls try with each beginning of s that piece follows.
func eachBefore(s, piece string, try func(device string)) {
	for i := 1; i <= min(len(s), sample.MaxDeviceName) && isPart(s[i-1]); i++ {
		if strings.HasPrefix(s[i:], piece) {
			try(s[:i])
		}
	}
}

// eachBehind calls try with each end of s that stands behind piece.
func eachBehind(s, piece string, try func(device string)) {
	for i := len(s) - 1; i >= max(0, len(s)-sample.MaxDeviceName) && isPart(s[i]); i-- {
		if strings.HasSuffix(s[:i], piece) {
			try(s[i:])
		}
	}
}

// isPart reports whether a device's name may have the character, in lower case.
func isPart(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}
