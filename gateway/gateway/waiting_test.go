package gateway

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"piway/gateway/cloud"
	"piway/gateway/control"
	"piway/gateway/ctl"
)

// A file system without inodes takes no new file, no socket either: health tells that from the start on, and its end.
func TestHealth_noInodes(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := mountSmall(t, "64m,nr_inodes=40")
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	cfg.Data.Dir = filepath.Join(dir, "data")
	password := addDevice(t, cfg.Data.Dir, "kitchen")
	filler := func(i int) string { return filepath.Join(dir, fmt.Sprint(i)) }
	fillers := 0
	for os.WriteFile(filler(fillers), nil, 0o600) == nil {
		fillers++
	}
	s := startSupervised(w, cfg)
	s.said.Want(ctx, t, "the disk cannot be used")
	wantWaiting(ctx, t, cfg.Data.Dir, "no space left on device", "delete something")
	for i := range fillers {
		if err := os.Remove(filler(i)); err != nil {
			t.Fatal(err)
		}
	}
	s.ready(ctx, 1, "kitchen", password)
	if err := ctl.Health(ctx, cfg.Data.Dir, &bytes.Buffer{}); err != nil {
		t.Errorf("health: %v", err)
	}
}

// A disk that is full before the gateway starts: health and systemd are told.
func TestHealth_fullFromTheStart(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := mountSmall(t, "1m")
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	cfg.Data.Dir = filepath.Join(dir, "data")
	addDevice(t, cfg.Data.Dir, "kitchen")
	hog, err := os.Create(filepath.Join(dir, "hog"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = hog.Write(make([]byte, 4096))
	}
	if err := hog.Close(); err != nil {
		t.Fatal(err)
	}
	systemd := notifySocket(t)
	s := startSupervised(w, cfg)
	s.said.Want(ctx, t, "the disk cannot be used")
	wantWaiting(ctx, t, cfg.Data.Dir, "full", "delete something")
	buf := make([]byte, 4096)
	n, err := systemd.Read(buf)
	if got := string(buf[:n]); err != nil || !strings.Contains(got, "WATCHDOG=1") ||
		!strings.Contains(got, "STATUS=waiting for the disk: ") ||
		!strings.Contains(got, "try: delete something") {
		t.Errorf("systemd: got %q, %v", got, err)
	}
}

// A running gateway whose socket was removed is not taken for a stopped one, and a stopped one is told.
func TestHealth_withoutSocket(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has sockets without a file")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	if err := ctl.Health(ctx, cfg.Data.Dir, &bytes.Buffer{}); err == nil ||
		!strings.Contains(err.Error(), "no gateway is running") {
		t.Errorf("stopped: got %v", err)
	}
	password := addDevice(t, cfg.Data.Dir, "kitchen")
	s := startSupervised(w, cfg)
	s.ready(ctx, 1, "kitchen", password)
	if err := os.Remove(control.Path(cfg.Data.Dir)); err != nil {
		t.Fatal(err)
	}
	if err := ctl.Health(ctx, cfg.Data.Dir, &bytes.Buffer{}); err == nil ||
		!strings.Contains(err.Error(), "its control socket cannot be reached") {
		t.Errorf("without its socket: got %v", err)
	}
}
