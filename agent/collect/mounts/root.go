package mounts

import (
	"context"
	"slices"
	"strings"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

// RootReadOnly tells whether the root file system takes no writes any more, as ext4 after an error.
//
// What counts is how the file system is mounted, not how it is seen here: a service under ProtectSystem=strict sees all
// of it read-only. One that can never be written is absent. An overlay is writable, whatever is beneath it.
func RootReadOnly(ctx context.Context, out *reading.Found) error {
	text, err := host.ReadText(host.Proc(ctx, "1/mountinfo")) // this process may have another root than the machine
	if err != nil {
		if text, err = host.ReadText(host.Proc(ctx, "self/mountinfo")); err != nil {
			return err
		}
	}
	readOnly, ok := parseRoot(text)
	if !ok {
		return host.ErrAbsent
	}
	value := 0.0
	if readOnly {
		value = 1
	}
	out.Add("root read-only", "None", value)
	return nil
}

// refusing are the options of a file system that takes no writes. Since Linux 6.15 ext4 is no longer ro after an error:
// it says emergency_ro, or shutdown.
var refusing = []string{"ro", "emergency_ro", "shutdown"}

// parseRoot reads from a table of mounts whether the root file system takes no writes. It returns false where there is
// no root, or one that can never be written.
func parseRoot(text string) (readOnly, ok bool) {
	all := parseMounts(text, func(string, string) bool { return true })
	for _, m := range slices.Backward(all) { // the last is on top
		switch {
		case m.point != "/":
		case slices.Contains(images, m.kind):
			return false, false
		default:
			refuses := func(option string) bool { return slices.Contains(refusing, option) }
			return slices.ContainsFunc(strings.Split(m.options, ","), refuses), true
		}
	}
	return false, false
}
