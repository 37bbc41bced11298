package world

import (
	"os"
	"testing"
)

// OnDisk is a folder of the user's cache, for the time of a test: that of other temporary files may be in memory, where
// nothing is written and an fsync costs nothing. Its path is short, for sockets.
func OnDisk(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(cache, "pw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // of a test
	return dir
}
