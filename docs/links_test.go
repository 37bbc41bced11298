// Package docs_test holds the texts to the tree: links lead somewhere, and the paths that they name are there.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	named   = regexp.MustCompile("`((?:agent|configs|docs|gateway|localcore|proof|shared)/[A-Za-z0-9_./-]+)`")
	noSlug  = regexp.MustCompile("[^a-z0-9 _-]")
)

// texts are the Markdown files and the doc.go of the tree, by their paths from here.
func texts(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == ".git" || name == "bin" || name == "dist"):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".md") || name == "doc.go":
			text, err := os.ReadFile(path)
			all[path] = string(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// slug is what a link calls a heading, as GitHub has it.
func slug(title string) string {
	return strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
}

// has reports whether a text has a heading with this slug.
func has(text, anchor string) bool {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		if slug(m[1]) == anchor {
			return true
		}
	}
	return false
}

func TestLinks(t *testing.T) {
	t.Parallel()
	all, checked := texts(t), 0
	for from, text := range all {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if !strings.HasSuffix(from, ".md") || strings.Contains(target, "://") {
				continue
			}
			checked++
			path := from
			if target != "" {
				path = filepath.Join(filepath.Dir(from), target)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: the link %s leads nowhere", from, m[1])
			} else if anchor != "" && !has(all[path], anchor) {
				t.Errorf("%s: the link %s leads to no heading", from, m[1])
			}
		}
	}
	if checked < 25 {
		t.Errorf("got %d links, want them all looked at", checked)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	checked := 0
	for from, text := range texts(t) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			checked++
			if _, err := os.Stat(filepath.Join("..", m[1])); err != nil {
				t.Errorf("%s names %s, which is not there", from, m[1])
			}
		}
	}
	if checked < 40 {
		t.Errorf("got %d paths, want them all looked at", checked)
	}
}
