package vm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"unsafe"
)

// fiemap is struct fiemap of linux/fiemap.h with room for its extents.
type fiemap struct {
	start, length                uint64
	flags, mapped, count, unused uint32
	extents                      [256]fiemapExtent
}

type fiemapExtent struct {
	logical, physical, length uint64
	_                         [2]uint64
	flags                     uint32
	_                         [3]uint32
}

const (
	fiemapIoctl = 0xc020660b // FS_IOC_FIEMAP
	// fiemapNowhere are the flags of an extent that has no blocks yet, or none of its own.
	fiemapNowhere = 0x2 | 0x4 | 0x200
)

// extents are where a file lies on its disk.
func extents(path string) (spans []Span, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	m := fiemap{length: ^uint64(0)}
	m.count = uint32(len(m.extents))
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), fiemapIoctl, uintptr(unsafe.Pointer(&m))); errno != 0 { //nolint:gosec // an ioctl takes a pointer
		return nil, fmt.Errorf("asking where %s lies: %w", path, errno)
	}
	for _, e := range m.extents[:m.mapped] {
		if e.flags&fiemapNowhere == 0 {
			spans = append(spans, Span{int64(e.physical), int64(e.physical + e.length)}) //nolint:gosec // disks are smaller
		}
	}
	return spans, nil
}

// helper is the program in the machine that says where files lie: one that calls PrintExtents when it gets this flag.
const (
	helper      = "powercut"
	extentsFlag = "--extents"
)

// PrintExtents writes where files lie, as JSON. A file that is not there lies nowhere. It is what the program
// "powercut" in the machine does for Where when it is called with "--extents FILE".
func PrintExtents(out io.Writer, paths []string) error {
	all := []Span{}
	for _, path := range paths {
		spans, err := extents(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		all = append(all, spans...)
	}
	return json.NewEncoder(out).Encode(all)
}
