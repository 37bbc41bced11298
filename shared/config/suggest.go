package config

import (
	"fmt"
	"strings"
)

// suggest says which key was probably meant: one of the same group, or one of the same name elsewhere in the file.
func (d *decoder) suggest(name string, fields []field) string {
	if near := suggestion(name, fields); near != "" {
		return near
	}
	if places := elsewhere(name, "", d.types); len(places) == 1 {
		group, _ := cutLast(places[0])
		if group == "" {
			return ", try: it without blanks before it: it is in no group"
		}
		return fmt.Sprintf(", try: it below %q, indented by 2 blanks more than that: it is %s", lastOf(group), places[0])
	}
	return ""
}

// elsewhere returns where in the file a key of this name may be.
func elsewhere(name, path string, fields []field) (all []string) {
	for _, f := range fields {
		if f.key == name {
			all = append(all, join(path, f.key))
		}
		if isGroup(f.typ) {
			all = append(all, elsewhere(name, join(path, f.key), fieldsOf(f.typ))...)
		}
	}
	return all
}

func cutLast(path string) (group, key string) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

func lastOf(path string) string {
	_, key := cutLast(path)
	return key
}

// suggestion names the key of fields that was probably meant, "" if none is near.
func suggestion(name string, fields []field) string {
	best, least := "", max(1, min(3, len(name)/3))+1
	for _, f := range fields {
		if d := distance(plain(name), plain(f.key)); d < least {
			best, least = f.key, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

func plain(key string) string {
	return strings.ReplaceAll(strings.ToLower(key), "-", "_")
}

// distance counts the edits between a and b: insert, delete, replace, swap two neighbours.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a) // no key is near that long
	}
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}
