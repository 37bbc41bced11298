package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the documentation says of sudo and aws keeps the login.
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
			if strings.Contains(line, "sudo ") && strings.Contains(line, "piway-gateway aws") &&
				!strings.Contains(line, "sudo -E ") {
				t.Errorf("%s: %s: sudo without -E finds no login", file, strings.TrimSpace(line))
			}
		}
	}
}
