package datadir_test

import (
	"errors"
	"testing"
	"time"

	"piway/gateway/datadir"
)

// A process that ends gives the folder to the one that waits for it; one that goes on does not.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	first, err := datadir.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := datadir.Lock(dir); !errors.Is(err, datadir.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	time.AfterFunc(time.Millisecond, func() { _ = first.Close() })
	second, err := datadir.Lock(dir)
	if err != nil {
		t.Fatalf("the first has ended: %v", err)
	}
	_ = second.Close()
}
