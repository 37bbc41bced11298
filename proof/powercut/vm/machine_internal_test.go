package vm

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func TestWriteInitramfs(t *testing.T) {
	var out bytes.Buffer
	if err := writeInitramfs(&out, []entry{
		{name: "bin", mode: os.ModeDir | 0o755},
		{"init", 0o755, []byte("hello")},
	}); err != nil {
		t.Fatal(err)
	}
	const zeroes = "00000000"
	want := "070701" + "00000001" + "000041ED" + zeroes + zeroes + "00000001" + zeroes + zeroes + zeroes + zeroes +
		zeroes + zeroes + "00000004" + zeroes + "bin\x00\x00\x00" +
		"070701" + "00000002" + "000081ED" + zeroes + zeroes + "00000001" + zeroes + "00000005" + zeroes + zeroes + zeroes +
		zeroes + "00000005" + zeroes + "init\x00\x00" + "hello\x00\x00\x00" +
		"070701" + "00000003" + zeroes + zeroes + zeroes + "00000001" + zeroes + zeroes + zeroes + zeroes + zeroes + zeroes +
		"0000000B" + zeroes + "TRAILER!!!\x00\x00\x00\x00"
	if got := out.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Modules come behind those that they need, each once.
func TestFindModules(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"virtio-blk": "ELF\x00depends=virtio_ring,virtio\x00", "virtio_ring": "depends=\x00",
		"virtio": "x\x00depends=virtio-ring\x00", "other": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name+".ko"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := findModules(dir, []string{"virtio_blk", "virtio"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range got {
		names = append(names, e.name)
	}
	if s := strings.Join(names, " "); s != "virtio_ring virtio virtio_blk" {
		t.Errorf("got %s", s)
	}
	if _, err := findModules(dir, []string{"no"}); err == nil {
		t.Error("a module that is not there is no error")
	}
}

func TestFirstFree(t *testing.T) {
	about := "Free blocks:              26581\n\n\nGroup 0: (Blocks 0-32767)\n  26581 free blocks, 2 directories\n  " +
		"Free blocks: 6187-32767\n"
	if got, err := firstFree(about); got != 6187 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	if _, err := firstFree("Free blocks: 7\n"); err == nil {
		t.Error("no group is no error")
	}
}

// A file lies where its extents say; QEMU's disk is not needed to ask.
func TestExtents(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("FIEMAP is Linux's")
	}
	path := filepath.Join(t.TempDir(), "f")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	spans, err := extents(path)
	if err != nil {
		t.Skipf("this file system does not say: %v", err)
	}
	total := int64(0)
	for _, s := range spans {
		total += s.To - s.From
	}
	if total != 1<<20 {
		t.Errorf("%d bytes in %v", total, spans)
	}
}

// Each command of the machine's shell has an answer, and its code.
func TestMachine_Run(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	answers := []string{"hello\npowercut-rc=0\n", "no\npowercut-rc=3\n", "half"}
	go func() {
		for _, a := range answers {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 100))
			_, _ = io.WriteString(c, a)
			_ = c.Close()
		}
	}()
	m := &Machine{shell: l.Addr().String()}
	var got []any
	for range answers {
		text, err := m.Run(t.Context(), "true")
		got = append(got, text, err == nil)
	}
	if want := []any{"hello\n", true, "no\n", false, "half", false}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
