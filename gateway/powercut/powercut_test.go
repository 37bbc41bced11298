package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"piway/localcore/core"
)

func openTestDisk(t *testing.T) (d *disk, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, make([]byte, 64*sectorBytes), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := openDisk(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	return d, path
}

func sectors(n int, with byte) []byte { return bytes.Repeat([]byte{with}, n*sectorBytes) }

// What was flushed is there after a cut; of the rest each sector is there whole or not at all.
func TestDisk_cut(t *testing.T) {
	d, path := openTestDisk(t)
	write := func(b byte) {
		if _, err := d.WriteAt(sectors(64, b), 0); err != nil {
			t.Fatal(err)
		}
	}
	write(1)
	if err := d.flush(); err != nil {
		t.Fatal(err)
	}
	write(2)
	got := make([]byte, 64*sectorBytes)
	if _, err := d.ReadAt(got, 0); err != nil || !bytes.Equal(got, sectors(64, 2)) {
		t.Errorf("before the cut not what was written last, %v", err)
	}
	lost, err := d.cut(rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	old := 0
	for i := 0; i < len(left); i += sectorBytes {
		switch s := left[i : i+sectorBytes]; {
		case bytes.Equal(s, sectors(1, 1)):
			old++
		case !bytes.Equal(s, sectors(1, 2)):
			t.Errorf("sector %d is torn", i/sectorBytes)
		}
	}
	if old != lost || lost == 0 || lost == 64 {
		t.Errorf("%d sectors are old, %d are said to be lost", old, lost)
	}
}

func TestDisk_fail(t *testing.T) {
	d, _ := openTestDisk(t)
	d.fail([]span{{8 * sectorBytes, 16 * sectorBytes}})
	for _, c := range []struct {
		at, n int
		want  error
	}{{0, 8, nil}, {7, 2, errWrite}, {15, 4, errWrite}, {16, 1, nil}} {
		if _, err := d.WriteAt(sectors(c.n, 1), int64(c.at*sectorBytes)); !errors.Is(err, c.want) {
			t.Errorf("%d sectors at %d: %v, want %v", c.n, c.at, err, c.want)
		}
	}
	if n := d.heal(); n != 2 {
		t.Errorf("%d writes failed, want 2", n)
	}
	if _, err := d.WriteAt(sectors(1, 1), 8*sectorBytes); err != nil {
		t.Errorf("after it healed: %v", err)
	}
	if _, err := d.WriteAt(sectors(2, 1), 63*sectorBytes); err == nil {
		t.Error("wrote behind the end")
	}
}

// An nbdClient speaks to a server as QEMU does.
type nbdClient struct {
	*testing.T
	net.Conn
}

func (c nbdClient) send(data ...any) {
	c.Helper()
	if _, err := c.Write(pack(data...)); err != nil {
		c.Fatal(err)
	}
}

func (c nbdClient) want(data []byte) {
	c.Helper()
	got := make([]byte, len(data))
	if _, err := io.ReadFull(c.Conn, got); err != nil || !bytes.Equal(got, data) {
		c.Fatalf("got % x, %v, want % x", got, err, data)
	}
}

// request sends one and wants the code of its answer.
func (c nbdClient) request(kind uint16, at, length int, data []byte, code uint32) {
	c.Helper()
	c.send(uint32(nbdRequestMagic), uint16(0), kind, uint64(7), uint64(at), uint32(length))
	if _, err := c.Write(data); err != nil {
		c.Fatal(err)
	}
	c.want(pack(uint32(nbdSimpleMagic), code, uint64(7)))
}

func TestServeDisk(t *testing.T) {
	d, path := openTestDisk(t)
	socket := filepath.Join(t.TempDir(), "s")
	s, err := serveDisk(socket, d, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	c := nbdClient{t, conn}
	c.want(pack(uint64(nbdMagic), uint64(nbdOptionMagic), uint16(3)))
	c.send(uint32(3))
	c.send(uint64(nbdOptionMagic), uint32(8), uint32(0)) // structured replies
	c.want(pack(uint64(nbdReplyMagic), uint32(8), uint32(nbdUnsupported), uint32(0)))
	c.send(uint64(nbdOptionMagic), uint32(nbdOptGo), uint32(6), uint32(0), uint16(0))
	c.want(pack(uint64(nbdReplyMagic), uint32(nbdOptGo), uint32(nbdInfo), uint32(12), uint16(0), uint64(d.size), uint16(nbdExportFlags)))
	c.want(pack(uint64(nbdReplyMagic), uint32(nbdOptGo), uint32(nbdAck), uint32(0)))

	c.request(nbdWrite, 2*sectorBytes, sectorBytes, sectors(1, 5), 0)
	c.request(nbdRead, 2*sectorBytes, sectorBytes, nil, 0)
	c.want(sectors(1, 5))
	c.request(nbdFlush, 0, 0, nil, 0)
	if text, err := os.ReadFile(path); err != nil || !bytes.Equal(text[2*sectorBytes:3*sectorBytes], sectors(1, 5)) {
		t.Errorf("what was flushed is not on the medium, %v", err)
	}
	d.fail([]span{{0, d.size}})
	c.request(nbdWrite, 0, sectorBytes, sectors(1, 6), nbdEIO)
	d.heal()
	c.request(nbdWrite, 0, sectorBytes, sectors(1, 6), 0)
	c.request(nbdRead, 64*sectorBytes, sectorBytes, nil, nbdEIO)
}

func TestWriteInitramfs(t *testing.T) {
	var out bytes.Buffer
	if err := writeInitramfs(&out, []entry{{name: "bin", mode: os.ModeDir | 0o755}, {"init", 0o755, []byte("hello")}}); err != nil {
		t.Fatal(err)
	}
	const zeroes = "00000000"
	want := "070701" + "00000001" + "000041ED" + zeroes + zeroes + "00000001" + zeroes + zeroes + zeroes + zeroes + zeroes + zeroes + "00000004" + zeroes + "bin\x00\x00\x00" +
		"070701" + "00000002" + "000081ED" + zeroes + zeroes + "00000001" + zeroes + "00000005" + zeroes + zeroes + zeroes + zeroes + "00000005" + zeroes + "init\x00\x00" + "hello\x00\x00\x00" +
		"070701" + "00000003" + zeroes + zeroes + zeroes + "00000001" + zeroes + zeroes + zeroes + zeroes + zeroes + zeroes + "0000000B" + zeroes + "TRAILER!!!\x00\x00\x00\x00"
	if got := out.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Modules come behind those that they need, each once.
func TestFindModules(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"virtio-blk": "ELF\x00depends=virtio_ring,virtio\x00", "virtio_ring": "depends=\x00", "virtio": "x\x00depends=virtio-ring\x00", "other": "",
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
	about := "Free blocks:              26581\n\n\nGroup 0: (Blocks 0-32767)\n  26581 free blocks, 2 directories\n  Free blocks: 6187-32767\n"
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
	bytes := int64(0)
	for _, s := range spans {
		bytes += s.to - s.from
	}
	if bytes != 1<<20 {
		t.Errorf("%d bytes in %v", bytes, spans)
	}
}

// The same seed gives the same plan, and errors only where they are wanted.
func TestMakePlan(t *testing.T) {
	kinds := map[string]int{}
	for cut := range 40 {
		p, _ := makePlan(3, cut, true)
		if q, _ := makePlan(3, cut, true); q != p {
			t.Errorf("cut %d: %v and %v", cut, p, q)
		}
		kinds[p.errors]++
		if q, _ := makePlan(3, cut, false); q.errors != noErrors || q.kill {
			t.Errorf("cut %d without errors: %v", cut, q)
		}
	}
	if kinds[dataFails] == 0 || kinds[logFails] == 0 || kinds[logDies] == 0 || kinds[noErrors] > 0 {
		t.Errorf("kinds of errors: %v", kinds)
	}
}

// record writes a record.
func record(t *testing.T, lines ...core.Recorded) string {
	t.Helper()
	var text []byte
	for _, l := range lines {
		line, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		text = append(append(text, line...), '\n')
	}
	path := filepath.Join(t.TempDir(), "record")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The judge sees what is lost, what came again and what is wrong.
func TestBook_judge(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	b := &book{}
	for i := range 4 {
		b.acknowledged(b.made(0, "n1", float64(at.Unix()+int64(i))))
	}
	b.made(0, "n1", float64(at.Unix()))
	datum := func(name string, value float64, at time.Time) core.Recorded {
		return core.Recorded{Name: name, Dimensions: map[string]string{"device": "dev-0"}, Value: value, Timestamp: at}
	}
	v, err := b.judge(record(t,
		datum("n1", 0, at), datum("n1", 0, at), // twice
		datum("n1", 1, at.Add(9*time.Second)), // at another time
		datum("n2", 2, at.Add(time.Second)),   // another name
		datum("n1", 3, at.Add(3*time.Second)), datum("n1", 4, at),
		datum("n1", 7, at), // never made
	))
	v.first = ""
	if want := (verdict{acked: 4, lost: 2, twice: 1, wrong: 3}); err != nil || v != want {
		t.Errorf("got %+v, %v, want %+v", v, err, want)
	}
	if v, err := b.judge(filepath.Join(t.TempDir(), "none")); err != nil || v.lost != 4 {
		t.Errorf("without a record %+v, %v", v, err)
	}
}

// What is promised is what was seen in time; a torn line is nothing yet.
func TestDiary(t *testing.T) {
	line := func(value string) string {
		return `00000000 {"device":"a","run":"r","seq":1,"samples":[{"name":"n","unit":"None","value":` + value + `,"time":1800000000.25}]}` + "\n"
	}
	now := time.Unix(1_800_000_100, 0)
	d := &diary{}
	d.note(line("1"), now)
	d.note(line("1"), now.Add(time.Minute)) // it is seen again
	second := strings.ReplaceAll(line("2"), "000.25", "001.5")
	d.note(second[:len(second)-4], now)
	d.note(second, now.Add(time.Second))
	d.promise(now)
	datum := core.Recorded{Name: "n", Value: 1, Timestamp: time.Unix(1_800_000_000, 0)}
	if v := d.judge([]core.Recorded{datum}); v.acked != 1 || v.lost != 0 {
		t.Errorf("got %+v, want one that came", v)
	}
	d.promise(now.Add(time.Minute))
	if v := d.judge([]core.Recorded{datum}); v.acked != 2 || v.lost != 1 {
		t.Errorf("got %+v, want two of which one is lost", v)
	}
}

// Each command of the machine's shell has an answer, and its code.
func TestMachine_run(t *testing.T) {
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
	m := &machine{shell: l.Addr().String()}
	var got []any
	for range answers {
		text, err := m.run(t.Context(), "true")
		got = append(got, text, err == nil)
	}
	if want := []any{"hello\n", true, "no\n", false, "half", false}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPack(t *testing.T) {
	if got := pack(uint16(1), uint32(2), uint64(3)); binary.BigEndian.Uint64(got[6:]) != 3 || len(got) != 14 {
		t.Errorf("got % x", got)
	}
}
