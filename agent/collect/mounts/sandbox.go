package mounts

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// inSandbox returns where path is, by the own mounts alone. They tell enough in a service's namespace, in which are three
// kinds: those that the machine has too; folders that systemd has mounted over themselves, read-only or writable,
// which change no figure (sameFolder); and what hides something (hides), of which there is no figure.
func (w world) inSandbox(path string) (place, error) {
	way := w.own.way(path)
	if len(way) == 0 {
		return place{path: path}, nil
	}
	at := 0 // the last that is no folder over itself
	for i, m := range way[1:] {
		below := way[:i+1]
		switch {
		case sameFolder(m, way[at]):
		case slices.ContainsFunc(below, func(lower mount) bool { return sameFolder(m, lower) }):
			// It was mounted at the service's start, and keeps over it what has come since.
			return place{}, fmt.Errorf("%s was mounted at %s after this service had started, which sees the folder beneath: "+
				"start the service again", way[at].what(), way[at].point)
		case w.hides(m) && m.point == "/dev":
			return place{}, errors.New("this service has a /dev of its own, by PrivateDevices= of its unit: take the path off " +
				"collect.disks")
		case w.hides(m):
			return place{}, fmt.Errorf("this process sees %s at %s, which the machine does not: "+sandboxHint, m.what(), m.point)
		default:
			at = i + 1
		}
	}
	own := way[at]
	under, _ := w.own.covering(filepath.Dir(own.point))
	return place{path: path, point: own.point, own: own, apart: under.device != own.device}, nil
}

// sameFolder says whether m shows, where it is mounted, the very folder of lower that would be there without it.
func sameFolder(m, lower mount) bool {
	rest, ok := strings.CutPrefix(m.point, strings.TrimSuffix(lower.point, "/"))
	return ok && m.device == lower.device && m.root == filepath.Join(lower.root, rest)
}

// hides says whether a mount is one that systemd makes for a service in the place of what the machine has there. In a
// namespace that follows the machine's, a mount that follows nothing is of its own.
func (w world) hides(m mount) bool {
	top, _ := w.own.covering("/")
	return top.follows && !m.follows ||
		strings.Contains(m.root, "/systemd/inaccessible/") || strings.Contains(m.root, "/systemd-private-")
}

// withoutFolders returns the mounts but those of a folder over itself, which are no places of their own.
func (t table) withoutFolders() table {
	byID := make(map[int]mount, len(t))
	for _, m := range t {
		byID[m.id] = m
	}
	return slices.DeleteFunc(slices.Clone(t), func(m mount) bool {
		lower, ok := byID[m.parent]
		return ok && lower.id != m.id && sameFolder(m, lower)
	})
}
