package collect

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shirou/gopsutil/v3/common"
)

// inFolders returns a context in which /proc, /sys and /etc are these folders; "" for the machine's.
func inFolders(t *testing.T, proc, sys, etc string) context.Context {
	t.Helper()
	return context.WithValue(t.Context(), common.EnvKey, common.EnvMap{
		common.HostProcEnvKey: proc, common.HostSysEnvKey: sys, common.HostEtcEnvKey: etc,
	})
}

// A bench is a machine on which a test mounts disks: it writes what the kernel would say. The figures are those of the
// file system of the test's folder.
type bench struct {
	t     *testing.T
	dir   string // with proc, sys and etc
	usb   string // a mount point
	state string
	ctx   context.Context
	log   bytes.Buffer
	c     *Collector
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, dir: dir, usb: filepath.Join(dir, "mnt/my usb"), state: filepath.Join(dir, "state")}
	for _, folder := range []string{b.usb, b.state, filepath.Join(dir, "sys/dev/block")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	b.ctx = inFolders(t, filepath.Join(dir, "proc"), filepath.Join(dir, "sys"), filepath.Join(dir, "etc"))
	b.write("sys/dev/block/179:2", "")
	b.mounts()
	return b
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// mounts says what is mounted besides the root: "ID PARENT DEVICE ROOT POINT TYPE SOURCE", with the point below the
// bench.
func (b *bench) mounts(lines ...string) {
	b.t.Helper()
	text := "20 1 179:2 / / rw - ext4 /dev/mmcblk0p2 rw\n"
	for _, line := range lines {
		var id, parent int
		var device, root, point, kind, source string
		if _, err := fmt.Sscan(line, &id, &parent, &device, &root, &point, &kind, &source); err != nil {
			b.t.Fatal(line, err)
		}
		point = strings.ReplaceAll(filepath.Join(b.dir, unescape(point)), " ", `\040`)
		text += fmt.Sprintf("%d %d %s %s %s rw - %s %s rw\n", id, parent, device, root, point, kind, source)
	}
	b.write("proc/self/mountinfo", text)
}

const usbDisk = `30 20 0:40 / /mnt/my\040usb ext4 /dev/sda1`

// start begins a new process of the agent.
func (b *bench) start(state string, disks ...string) {
	b.log.Reset()
	b.c = New(Options{Disks: disks, State: state, Log: slog.New(slog.NewTextHandler(&b.log, nil))})
}

// has says which disks give a figure.
func (b *bench) has(want ...string) {
	b.t.Helper()
	var got []string
	cloud, _ := b.c.Collect(b.ctx)
	for _, s := range cloud {
		got = append(got, strings.TrimPrefix(s.Name, "disk usage "))
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		b.t.Errorf("got figures of %q, want %q; log:\n%s", got, want, &b.log)
	}
}

func (b *bench) told(text string, times int) {
	b.t.Helper()
	if got := strings.Count(b.log.String(), text); got != times {
		b.t.Errorf("told %q %d times, want %d:\n%s", text, got, times, &b.log)
	}
}
