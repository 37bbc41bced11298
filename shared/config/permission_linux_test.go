package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"piway/shared/config"
)

func TestLoad_unreadableFileGivesHint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(path, []byte("site: a\n"), 0o000); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // root reads all, so this thread lets go of that for the moment
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer syscall.Setfsuid(0) //nolint:errcheck // it has no error to give
	}
	err := config.Load(path, new(gateway))
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), path) ||
		!strings.Contains(config.Hint(err), "readable") {
		t.Errorf("got %v, want os.ErrPermission, the path and a hint", err)
	}
}
