package gateway

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"piway/gateway/devices"
)

// A list that another program put in place is told once, and so is that ours is there again; one that is gone is
// written.
func TestKeepDevices(t *testing.T) {
	path := filepath.Join(t.TempDir(), "devices.json")
	synctest.Test(t, func(t *testing.T) {
		list, err := devices.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := list.Add("kitchen", true); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- keepDevices(ctx, func(context.Context) error { return list.Save() },
				slog.New(slog.NewTextHandler(&said, nil)))
		}()
		synctest.Wait() // it has looked once
		for _, text := range []string{`{"devices":[]}`, "", "gone"} {
			err := os.WriteFile(path, []byte(text), 0o600)
			if text == "gone" {
				err = os.Remove(path)
			}
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if n := strings.Count(said.String(), "level=WARN"); n != 1 || strings.Count(said.String(), "on disk again") != 1 {
			t.Errorf("said:\n%s", &said)
		}
	})
	if again, err := devices.Open(path); err != nil || !again.Has("kitchen") {
		t.Errorf("got %+v, %v", again, err)
	}
}
