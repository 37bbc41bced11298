package files

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// HeldBy says which process has the flock of an open file, for an error: ", process 123", "" where the system does not
// say.
func HeldBy(f *os.File) string {
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	locks, err := os.Open("/proc/locks")
	if err != nil {
		return ""
	}
	defer locks.Close() //nolint:errcheck // only read
	// 1: FLOCK  ADVISORY  WRITE 708 fd:01:1234 0 EOF
	end := fmt.Sprintf(":%d", s.Ino)
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		word := strings.Fields(lines.Text())
		if len(word) > 5 && word[1] == "FLOCK" && strings.HasSuffix(word[5], end) && word[4] != "0" && word[4] != "-1" {
			return ", process " + word[4]
		}
	}
	return ""
}
