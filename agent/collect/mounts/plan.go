package mounts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/shirou/gopsutil/v3/common"

	"piway/agent/collect/host"
)

// planned returns the deepest place at or above path where the machine's files say that a file system is to be
// mounted, and which file says so; "" if none does. Path is the machine's.
func planned(ctx context.Context, path string) (point, file string) {
	etc := host.Folder(ctx, common.HostEtcEnvKey, filepath.Join(rootFolder(ctx), "etc"))
	fstab := filepath.Join(etc, "fstab")
	text, err := host.ReadText(fstab)
	if err == nil { // a machine without one plans nothing there
		if point = deepest(path, parseFstab(text)); point != "" {
			file = fstab
		}
	}
	for at := path; at != "/" && len(at) > len(point); at = filepath.Dir(at) {
		for _, kind := range []string{".automount", ".mount"} {
			unit := filepath.Join(etc, "systemd/system", unitName(at)+kind)
			if isUnit(unit) {
				return at, unit
			}
		}
	}
	return point, file
}

// isUnit says whether a unit file is there and not masked.
func isUnit(file string) bool {
	info, err := os.Lstat(file)
	if err != nil || info.IsDir() {
		return false
	}
	target, err := os.Readlink(file)
	return err != nil || target != os.DevNull
}

// parseFstab returns the mount points of an fstab(5). Swap has none.
func parseFstab(text string) []string {
	var points []string
	for line := range strings.Lines(text) {
		// No other blanks: those of Unicode may be part of a name.
		fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' })
		if len(fields) < 2 || strings.HasPrefix(fields[0], "#") || !strings.HasPrefix(fields[1], "/") {
			continue
		}
		points = append(points, filepath.Clean(unescape(fields[1])))
	}
	return points
}

// unitName returns the name, without its type, of the unit by which systemd mounts a path, as systemd-escape --path
// makes it; systemd.unit(5) has the rule.
func unitName(path string) string {
	path = strings.Trim(path, "/")
	if path == "" {
		return "-"
	}
	var b strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case c == '/':
			b.WriteByte('-')
		case c == '.' && i == 0, !isUnitChar(c):
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isUnitChar(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(":_.", c) >= 0
}

// deepest returns the longest of points at or above path, "" if none but the root is.
func deepest(path string, points []string) string {
	best := ""
	for _, p := range points {
		if p != "/" && within(path, p) && len(p) > len(best) {
			best = p
		}
	}
	return best
}
