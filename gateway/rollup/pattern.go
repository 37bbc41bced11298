package rollup

import (
	"fmt"
	"path"
)

// slash stands for '/' in names and patterns, which path.Match would treat as a separator.
const slash = '\x01'

// Matches reports whether a metric name matches a pattern. An invalid pattern matches nothing; see CheckPattern.
func Matches(pattern, name string) bool {
	ok, err := path.Match(plain(pattern), plain(name))
	return err == nil && ok
}

// CheckPattern returns an error for a pattern that can never match.
func CheckPattern(pattern string) error {
	if _, err := path.Match(plain(pattern), ""); err != nil {
		return fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return nil
}

func plain(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c == '/' {
			b[i] = slash
		}
	}
	return string(b)
}
