package vm

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
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
	d.fail([]Span{{8 * sectorBytes, 16 * sectorBytes}})
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

func TestWithout(t *testing.T) {
	for _, c := range []struct{ holes, want []Span }{
		{nil, []Span{{10, 20}, {30, 40}}},
		{[]Span{{12, 14}, {18, 31}}, []Span{{10, 12}, {14, 18}, {31, 40}}},
		{[]Span{{0, 10}, {20, 30}, {40, 50}}, []Span{{10, 20}, {30, 40}}},
		{[]Span{{5, 45}}, nil},
	} {
		if got := Without([]Span{{10, 20}, {30, 40}}, c.holes); !reflect.DeepEqual(got, c.want) {
			t.Errorf("without %v: got %v, want %v", c.holes, got, c.want)
		}
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
	c.want(pack(uint64(nbdReplyMagic), uint32(nbdOptGo), uint32(nbdInfo), uint32(12), uint16(0), uint64(d.size),
		uint16(nbdExportFlags)))
	c.want(pack(uint64(nbdReplyMagic), uint32(nbdOptGo), uint32(nbdAck), uint32(0)))

	c.request(nbdWrite, 2*sectorBytes, sectorBytes, sectors(1, 5), 0)
	c.request(nbdRead, 2*sectorBytes, sectorBytes, nil, 0)
	c.want(sectors(1, 5))
	c.request(nbdFlush, 0, 0, nil, 0)
	if text, err := os.ReadFile(path); err != nil || !bytes.Equal(text[2*sectorBytes:3*sectorBytes], sectors(1, 5)) {
		t.Errorf("what was flushed is not on the medium, %v", err)
	}
	d.fail([]Span{{0, d.size}})
	c.request(nbdWrite, 0, sectorBytes, sectors(1, 6), nbdEIO)
	d.heal()
	c.request(nbdWrite, 0, sectorBytes, sectors(1, 6), 0)
	c.request(nbdRead, 64*sectorBytes, sectorBytes, nil, nbdEIO)
}
