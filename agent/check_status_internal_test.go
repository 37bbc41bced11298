package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/shared/mqttlink/fakebroker"
)

// Before it has joined, check looks for no gateway, which nobody has named.
func TestCheck_notJoined(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "agent.yaml")
	if err := os.WriteFile(path, []byte("device: kitchen\nspool: {dir: ''}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := call(t.Context(), "check", "--config", path)
	if got.status != 78 || !strings.Contains(got.out, "sensor ") || !strings.Contains(got.err, "not joined") ||
		!strings.Contains(got.err, "try: sudo piway-agent join TOKEN") {
		t.Errorf("got %+v, want the sensors, and to be told to join", got)
	}
}

// Who watches by the exit status is told of what does not work, and of nothing else: not of what this machine does not
// have, nor of what only could be better. DIR stands for a folder with the file "file" and the folder "folder".
func TestCheck_status(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config, want string
		mode         os.FileMode
		status       int
	}{
		"a disk that is not there":       {"collect: {disks: [/, /no-such-disk]}", "disk usage /no-such-disk: FAILS", 0o600, 1},
		"a spool that cannot be made":    {"spool: {dir: DIR/file/spool}", "DIR/file/spool: FAILS: ", 0o600, 1},
		"a spool that is no folder":      {"spool: {dir: DIR/file}", "DIR/file: FAILS: ", 0o600, 1},
		"own readings are in no folder":  {"collect: {folder: DIR/file}", "own readings   DIR/file: FAILS: ", 0o600, 1},
		"a password that all can read":   {"", "warning        every user of this machine can read DIR/file, try: ", 0o644, 0},
		"a password for a group":         {"", "spool          ", 0o640, 0},
		"own readings are not there yet": {"collect: {folder: DIR/none}", "spool          ", 0o600, 0},
		"a spool that is not there yet":  {"spool: {dir: DIR/none}", "DIR/none: not there yet", 0o600, 0},
		"a spool":                        {"spool: {dir: DIR/folder}", "DIR/folder: ok", 0o600, 0},
		"a spool in memory":              {`spool: {dir: ""}`, "in memory only", 0o600, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			text := fmt.Sprintf("device: kitchen\ngateway: {address: %q, password_file: DIR/file}\n%s\n",
				fakebroker.New(t, nil).Addr(), c.config)
			for _, key := range []string{"collect: {folder: ''}", "spool: {dir: DIR/folder}"} {
				if name, _, _ := strings.Cut(key, ":"); !strings.Contains(text, name+":") {
					text += key + "\n"
				}
			}
			config := filepath.Join(dir, "agent.yaml")
			if err := errors.Join(os.WriteFile(path, []byte("hush"), c.mode), os.Chmod(path, c.mode),
				os.Mkdir(filepath.Join(dir, "folder"), 0o700),
				os.WriteFile(config, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600)); err != nil {
				t.Fatal(err)
			}
			got := call(t.Context(), "check", "--config", config)
			want := strings.ReplaceAll(c.want, "DIR", dir)
			if got.status != c.status || !strings.Contains(got.out, want) ||
				(c.status != 0) != strings.Contains(got.out, "FAILS") {
				t.Errorf("got %+v, want %d and %q", got, c.status, want)
			}
		})
	}
}
