package version

import (
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestString(t *testing.T) {
	want := "piway-agent " + Number + " ("
	got := String("piway-agent")
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, runtime.GOOS+"/"+runtime.GOARCH+")") {
		t.Errorf("got %q, want %q…", got, want)
	}
}

func TestRevision(t *testing.T) {
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"}
	clean := debug.BuildSetting{Key: "vcs.modified", Value: "false"}
	dirty := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for _, c := range []struct {
		name     string
		settings []debug.BuildSetting
		want     string
	}{
		{"without git", nil, ""},
		{"a commit", []debug.BuildSetting{commit, clean}, "a1b2c3d4e5f6"},
		{"changed files", []debug.BuildSetting{commit, dirty}, "a1b2c3d4e5f6+changes"},
		{"before the first commit", []debug.BuildSetting{dirty}, ""},
		{"a short one", []debug.BuildSetting{{Key: "vcs.revision", Value: "42"}}, "42"},
	} {
		if got := revision(c.settings); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

var (
	heading = regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\]`)
	number  = regexp.MustCompile(`^\d+\.\d+\.\d+(-dev)?$`)
)

// The number and the changelog's newest version are the same, but for -dev, when there is something to come.
func TestNumber(t *testing.T) {
	text, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	newest := ""
	if m := heading.FindStringSubmatch(string(text)); m != nil {
		newest = m[1]
	}
	if !number.MatchString(Number) {
		t.Errorf("got %q, want a version such as 0.1.0 or 0.1.0-dev", Number)
	}
	next, dev := strings.CutSuffix(Number, "-dev")
	if dev && next == newest {
		t.Errorf("got %s on the way to %s, which CHANGELOG.md has already", Number, newest)
	}
	if !dev && next != newest {
		t.Errorf("got %s, want %q: the newest version of CHANGELOG.md", Number, newest)
	}
}
