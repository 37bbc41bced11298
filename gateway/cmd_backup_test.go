package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/gateway/backup"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/shared/cli"
	"piway/shared/config"
)

// line runs the command line, and returns what it wrote on both streams.
func line(ctx context.Context, args ...string) (out, said string, err error) {
	var o, e bytes.Buffer
	err = program().Run(ctx, args, cli.Streams{Out: &o, Err: &e})
	return o.String(), e.String(), err
}

// Into a file or a pipe, and out of it on another machine, the device list is the same, and what is to be known is
// told.
func TestBackup_andRestore(t *testing.T) {
	d := newDeviceLine(t)
	var password string
	for got := range strings.FieldsSeq(d.do("add", "kitchen")) {
		if len(got) == 26 {
			password = got
		}
	}
	file := d.path("b.tar")
	_, said, err := line(t.Context(), "backup", file, "--config", d.path("gateway.yaml"))
	if err != nil || !strings.Contains(said, "devices    1") || !strings.Contains(said, "AWS key    not in it") {
		t.Fatalf("got %q, %v", said, err)
	}
	piped, _, err := line(t.Context(), "backup", "-", "--config", d.path("gateway.yaml"))
	text, rerr := os.ReadFile(file)
	if err != nil || rerr != nil || len(piped) != len(text) {
		t.Errorf("got %d bytes in a pipe and %d in the file, %v, %v", len(piped), len(text), err, rerr)
	}
	if _, _, err := line(t.Context(), "backup", file, "--config", d.path("gateway.yaml")); err == nil ||
		!strings.Contains(err.Error(), "exists") || config.Hint(err) == "" {
		t.Errorf("over a file that is there: %v", err)
	}
	if _, _, err := line(t.Context(), "backup", d.path("c.tar"), "--with-aws-key", "--config", d.path("gateway.yaml")); err == nil ||
		!strings.Contains(err.Error(), "uplink.certs") {
		t.Errorf("an AWS key where there is none: %v", err)
	}

	// Here, where the gateway is, there are its devices.
	if err := os.Rename(d.path("devices.json"), d.path("devices.old")); err != nil {
		t.Fatal(err)
	}
	out, _, err := line(t.Context(), "restore", file, "--config", d.path("gateway.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"1 devices, of which 0 are revoked", "within this hour", "removed or revoked since", "metric names belong to the device",
		"AWS key    none", "client id piway-gateway", "authority  none",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("got no %q in\n%s", want, out)
		}
	}
	if list := d.list(); !list.Authenticate("kitchen", password, true) {
		t.Error("the device has another password")
	}
	list, err := devices.Open(datadir.Devices(d.dir))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := list.Add("attic", false); err != nil {
		t.Fatal(err)
	}
	if _, _, err := line(t.Context(), "restore", file, "--config", d.path("gateway.yaml")); err == nil ||
		!strings.Contains(err.Error(), "2 devices") {
		t.Errorf("over another list: %v", err)
	}
}

func TestRestore_age(t *testing.T) {
	for since, want := range map[time.Duration]string{
		-time.Hour: "in the future", time.Minute: "within this hour", 30 * time.Hour: "30 hours ago",
		73 * time.Hour: "3 days ago",
	} {
		if got := age(since); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", since, got, want)
		}
	}
}

// A terminal gets no secrets: /dev/tty stands for one.
func TestBackup_terminal(t *testing.T) {
	tty, err := os.OpenFile("/dev/null", os.O_RDWR, 0) // a character device too
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = tty.Close() }()
	d := newDeviceLine(t)
	err = program().Run(t.Context(), []string{"backup", "-", "--config", d.path("gateway.yaml")}, cli.Streams{
		Out: tty,
		Err: new(bytes.Buffer),
	})
	if err == nil || !strings.Contains(config.Hint(err), "age -p") {
		t.Errorf("got %v", err)
	}
}

// A file that is no backup changes nothing.
func TestRestore_foreign(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x")
	if err := os.WriteFile(file, []byte("age-encryption.org/v1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := line(t.Context(), "restore", file, "--config", filepath.Join(dir, "gateway.yaml"))
	if err == nil || !strings.Contains(config.Hint(err), "decrypt it into a pipe") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "gateway.yaml")); err == nil {
		t.Error("a configuration was made")
	}
	if _, err := backup.Read(strings.NewReader("")); err == nil {
		t.Error("took nothing for a backup")
	}
}
