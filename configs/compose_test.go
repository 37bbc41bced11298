package configs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"piway/shared/version"
)

// The images that compose.production.yml names are those of this version, or of the one that it becomes.
func TestProduction_version(t *testing.T) {
	file, err := os.ReadFile("compose.production.yml")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`piway-(?:gateway|agent)[:_](\d[0-9A-Za-z.~-]*)`).FindAllSubmatch(file, -1)
	if len(named) < 4 {
		t.Errorf("found %d names with a version", len(named))
	}
	want := strings.TrimSuffix(version.Number, "-dev")
	for _, n := range named {
		if string(n[1]) != want {
			t.Errorf("%s, want %s", n[0], want)
		}
	}
}
