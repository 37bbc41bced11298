package wal

import "testing"

const locks = `1: POSIX  ADVISORY  READ 1234 08:01:77 124 124
2: POSIX  ADVISORY  READ 4321 08:01:78 124 124
2: -> POSIX  ADVISORY  WRITE 99 08:01:79 124 124
3: OFDLCK ADVISORY  READ -1 08:01:80 124 124
4: POSIX  ADVISORY  WRITE 55 08:01:81 120 120
`

func TestReaderOf(t *testing.T) {
	for inode, want := range map[uint64]int{
		77: 1234, 78: 0 /* own */, 79: 0, 80: 0, 81: 0 /* the writer's */, 7: 0,
		1: 0,
	} {
		if got := readerOf([]byte(locks), inode, 4321); got != want {
			t.Errorf("inode %d: got %d, want %d", inode, got, want)
		}
	}
}

func FuzzReaderOf(f *testing.F) {
	f.Add([]byte(locks), uint64(77))
	f.Fuzz(func(t *testing.T, locks []byte, inode uint64) {
		if pid := readerOf(locks, inode, 1); pid < 0 || pid == 1 {
			t.Errorf("got process %d", pid)
		}
	})
}
