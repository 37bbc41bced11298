package configs_test

import (
	"os"
	"regexp"
	"testing"
)

// The images that compose.production.yml names are those of the newest version, which the changelog tells.
func TestProduction_version(t *testing.T) {
	changes, err := os.ReadFile("../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	newest := regexp.MustCompile(`(?m)^(?:## \[|To become )(\d+\.\d+\.\d+)`).FindSubmatch(changes)
	if newest == nil {
		t.Fatal("CHANGELOG.md names no version")
	}
	file, err := os.ReadFile("compose.production.yml")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`piway-(?:gateway|agent)[:_](\d[0-9A-Za-z.~-]*)`).FindAllSubmatch(file, -1)
	if len(named) < 4 {
		t.Errorf("found %d names with a version", len(named))
	}
	for _, n := range named {
		if string(n[1]) != string(newest[1]) {
			t.Errorf("%s, want %s", n[0], newest[1])
		}
	}
}
