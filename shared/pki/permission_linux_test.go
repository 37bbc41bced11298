package pki_test

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFiles_Client_unreadableKey(t *testing.T) {
	_, files := made(t)
	if err := os.Chmod(files.Key, 0o000); err != nil {
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
	_, err := files.Client("localhost", time.Now())
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), files.Key) ||
		!strings.Contains(err.Error(), "try: chown it") {
		t.Errorf("got %v, want os.ErrPermission, %s and what to try", err, files.Key)
	}
}
