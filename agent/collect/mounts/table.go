package mounts

import "strings"

// A table has the mounts that a process sees, those too that others hide.
type table []mount

// covering returns the mount that holds path, which is absolute, clean, and has no symbolic links in it. It goes the
// kernel's way: from the root to the nearest mount on it that lies on the path, and so on from there. So it finds the
// upper of two at one place, and none that another hides.
func (t table) covering(path string) (mount, bool) {
	way := t.way(path)
	if len(way) == 0 {
		return mount{}, false
	}
	return way[len(way)-1], true
}

// way returns all mounts that the kernel goes through to path, each of which lies on the one before.
func (t table) way(path string) []mount {
	at, ok := t.top(path)
	var way []mount
	for ok && len(way) <= len(t) { // a table that leads in circles is no reason to go on for ever
		way = append(way, at)
		at, ok = t.on(at, path)
	}
	return way
}

// top returns the mount that path begins in: one that is on no other of the table.
func (t table) top(path string) (mount, bool) {
	ids := make(map[int]bool, len(t))
	for _, m := range t {
		ids[m.id] = true
	}
	best, found := mount{}, false
	for _, m := range t {
		isTop := m.parent == m.id || !ids[m.parent]
		if isTop && within(path, m.point) && (!found || len(m.point) > len(best.point)) {
			best, found = m, true
		}
	}
	return best, found
}

// on returns the first mount on another that the way to path meets.
func (t table) on(at mount, path string) (mount, bool) {
	best, found := mount{}, false
	for _, m := range t {
		if m.parent == at.id && m.id != at.id && within(path, m.point) && within(m.point, at.point) &&
			(!found || len(m.point) <= len(best.point)) {
			best, found = m, true
		}
	}
	return best, found
}

// within says whether a path is a folder or lies in it.
func within(path, folder string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(folder, "/"))
	return ok && (rest == "" || rest[0] == '/')
}
