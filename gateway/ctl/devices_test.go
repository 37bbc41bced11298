package ctl_test

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/gateway/ctl"
	"piway/gateway/datadir"
)

// place is a gateway that does not run.
func place(data string) ctl.Place {
	return ctl.Place{
		DataDir: data, TrustClock: true, Log: slog.New(slog.DiscardHandler),
		Addresses: func() []string { return []string{"192.0.2.1:8883"} },
	}
}

// A password is written to a new file only: not through a link, and not into a file whose mode lets others read it.
func TestAddDevice_passwordFile(t *testing.T) {
	t.Parallel()
	const mine = "somebody's"
	for name, c := range map[string]struct {
		put  func(path, other string) error // before
		keep bool
		ok   bool
	}{
		"nothing":              {func(string, string) error { return nil }, false, true},
		"nothing, keep":        {func(string, string) error { return nil }, true, true},
		"a file":               {func(path, _ string) error { return os.WriteFile(path, []byte(mine), 0o644) }, false, false},
		"a stale file, keep":   {func(path, _ string) error { return os.WriteFile(path, []byte(mine), 0o644) }, true, true},
		"a link":               {func(path, other string) error { return os.Symlink(other, path) }, false, false},
		"a link, keep":         {func(path, other string) error { return os.Symlink(other, path) }, true, true},
		"a link to nothing":    {func(path, _ string) error { return os.Symlink("nothing", path) }, false, false},
		"that and keep":        {func(path, _ string) error { return os.Symlink("nothing", path) }, true, false},
		"a second name":        {func(path, other string) error { return os.Link(other, path) }, false, false},
		"a second name, keep ": {func(path, other string) error { return os.Link(other, path) }, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			data, path, other := filepath.Join(dir, "data"), filepath.Join(dir, "password"), filepath.Join(dir, "other")
			for _, err := range []error{os.Mkdir(data, 0o700), os.WriteFile(other, []byte(mine), 0o600), c.put(path, other)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			devices := 0
			err := place(data).WithDevices(func(list ctl.Devices) error {
				err := ctl.AddDevice(t.Context(), list, "kitchen", false, c.keep, ctl.Password{File: path, Out: io.Discard})
				all, _ := list.All(t.Context()) // a stopped gateway's has no error
				devices = len(all)
				return err
			})
			if (devices == 1) != c.ok {
				t.Errorf("%d devices", devices)
			}
			if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), "exists, try: another file, or remove it") {
				t.Errorf("got %v, want none: %t", err, c.ok)
			}
			if text, err := os.ReadFile(other); err != nil || string(text) != mine {
				t.Errorf("the other file has %q, %v", text, err)
			}
			if _, err := os.Lstat(filepath.Join(dir, "nothing")); err == nil {
				t.Error("a file was made through the link")
			}
			if info, err := os.Lstat(path); c.ok && (err != nil || info.Mode() != 0o600) {
				t.Errorf("the password file: %v, %v", info, err)
			}
			if _, err := os.Stat(datadir.Devices(data)); c.ok && err != nil {
				t.Error(err)
			}
		})
	}
}
