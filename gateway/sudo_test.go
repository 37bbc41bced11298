package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// reaching are the commands that need a login.
var reaching = regexp.MustCompile(`piway-gateway aws (?:setup|remove)\b`)

// What the documentation says of sudo and aws keeps AWS_PROFILE and the like.
func TestDocs_sudo(t *testing.T) {
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../README.md", "../certs.example/README.md", "../configs/gateway.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "sudo ") && reaching.MatchString(line) && !strings.Contains(line, "sudo -E ") {
				t.Errorf("%s: %s: sudo without -E drops AWS_PROFILE", file, strings.TrimSpace(line))
			}
		}
	}
}
