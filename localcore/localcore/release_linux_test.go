package localcore_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"piway/localcore/localcore"
)

// sockets says what the table of open files calls a socket.
const sockets = "socket:*"

// opened are the open files of this process that match a pattern.
func opened(t *testing.T, pattern string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil {
			continue // the folder's own, closed again
		}
		if ok, _ := filepath.Match(pattern, name); ok {
			names = append(names, name)
		}
	}
	return names
}

// At whatever step Open fails, what the steps before it acquired is free again.
func TestOpen_failureLeavesNothingOpen(t *testing.T) {
	dir := t.TempDir()
	certs := filepath.Join(dir, "certs")
	running := start(t) // has the addresses that cannot be had
	empty := filepath.Join(dir, "not a folder")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := opened(t, sockets)
	for name, change := range map[string]func(*localcore.Config){
		"certificates": func(c *localcore.Config) { c.Certs = empty },
		"log group":    func(c *localcore.Config) { c.LogGroups = []string{"/a:15"} },
		"http":         func(c *localcore.Config) { c.HTTP = running.HTTPAddr().String() },
		"mqtt":         func(c *localcore.Config) { c.Listen = running.MQTTAddr().String() },
		"fault":        func(c *localcore.Config) { c.Faults = []string{"offline:10s", "delay:10s:much"} },
	} {
		cfg := localcore.Default()
		cfg.Listen, cfg.HTTP, cfg.Certs, cfg.Record = "127.0.0.1:0", "127.0.0.1:0", certs,
			filepath.Join(dir, "record of "+name)
		change(&cfg)
		if _, err := localcore.Open(t.Context(), cfg, discard()); err == nil {
			t.Fatalf("%s: opened", name)
		}
		if _, err := os.Stat(cfg.Record); err != nil {
			t.Errorf("%s: failed before the record was opened, which shows nothing: %v", name, err)
		}
		if left := opened(t, cfg.Record); len(left) > 0 {
			t.Errorf("%s: %v is still open", name, left)
		}
		for _, socket := range opened(t, sockets) {
			if !slices.Contains(before, socket) { // one that is gone was of a test before
				t.Errorf("%s: %s is still open", name, socket)
			}
		}
	}
}
