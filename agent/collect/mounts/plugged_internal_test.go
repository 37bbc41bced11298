package mounts

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
	disks []*Disk

	complaints map[string]string // what was told last of each disk
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
	b.disks, b.complaints = nil, map[string]string{}
	known := NewKnown(state, slog.New(slog.NewTextHandler(&b.log, nil)))
	for _, path := range disks {
		b.disks = append(b.disks, NewDisk(path, known))
	}
}

// has says which disks give a figure. They are read at once, as by a collector.
func (b *bench) has(want ...string) {
	b.t.Helper()
	errs := make([]error, len(b.disks))
	var reading sync.WaitGroup
	for i, d := range b.disks {
		reading.Go(func() { _, errs[i] = d.Read(b.ctx) })
	}
	reading.Wait()
	var got []string
	for i, d := range b.disks {
		b.note(d.Path, errs[i])
		if errs[i] == nil {
			got = append(got, d.Path)
		}
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		b.t.Errorf("got figures of %q, want %q; log:\n%s", got, want, &b.log)
	}
}

// note tells a change between working and not, as a collector does.
func (b *bench) note(path string, err error) {
	log, complaint := slog.New(slog.NewTextHandler(&b.log, nil)), ""
	if err != nil {
		complaint = err.Error()
	}
	switch {
	case complaint == b.complaints[path]:
	case err == nil:
		log.Info("sensor works again", "path", path)
	default:
		log.Warn("sensor fails", "path", path, "err", err)
	}
	b.complaints[path] = complaint
}

func (b *bench) told(text string, times int) {
	b.t.Helper()
	if got := strings.Count(b.log.String(), text); got != times {
		b.t.Errorf("told %q %d times, want %d:\n%s", text, got, times, &b.log)
	}
}
