// Package version says which Piway this is. Its one promise: a program names the version, and where Go knows it the
// commit, that it was built from.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// Number is the version, in the form of Semantic Versioning; with -dev it is on the way to that version. The newest
// version of CHANGELOG.md is the same.
const Number = "0.1.0"

// String returns a program's version in one line: "piway-agent 0.1.0 (a1b2c3d4e5f6, go1.26.0, linux/arm64)".
func String(program string) string {
	built := []string{runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	if r := Revision(); r != "" {
		built = slices.Insert(built, 0, r)
	}
	return fmt.Sprintf("%s %s (%s)", program, Number, strings.Join(built, ", "))
}

// Revision returns the first 12 digits of the commit, with "+changes" if files differed from it; "" where it is not
// known: without git, and in go run and go test.
func Revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return revision(info.Settings)
}

func revision(settings []debug.BuildSetting) string {
	commit, changes := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			changes = "+changes"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + changes
}
