package wal

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"piway/gateway/queue/store"
)

// The bytes of the -shm file that a reader locks while it reads, WAL_READ_LOCK(0) to (4) of SQLite's WAL-mode file
// format.
const firstReadLock, lastReadLock = 123, 127

// holder names another process that reads the store and so keeps its log from being emptied, "" if none is found.
func holder(path string) string {
	info, err := os.Stat(path + store.IndexSuffix)
	if err != nil {
		return ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return ""
	}
	pid := readerOf(locks, st.Ino, os.Getpid())
	if pid == 0 {
		return ""
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return fmt.Sprintf("process %d", pid)
	}
	return fmt.Sprintf("%q, process %d", strings.TrimSpace(string(name)), pid)
}

// readerOf returns the process that has a read lock on a file, other than own, in the form of proc_locks(5); 0 for
// none. A line is NUMBER: TYPE ADVISORY MODE PID MAJOR:MINOR:INODE FIRST LAST. The device is not compared: some file
// systems say another one here than stat does.
func readerOf(locks []byte, inode uint64, own int) int {
	lines := bufio.NewScanner(bytes.NewReader(locks))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 8 || f[1] == "->" || !strings.HasSuffix(f[5], ":"+strconv.FormatUint(inode, 10)) {
			continue // -> is a lock that is waited for
		}
		pid, first := number(f[4]), number(f[6])
		if pid > 0 && pid != own && first >= firstReadLock && first <= lastReadLock {
			return pid
		}
	}
	return 0
}

// number returns what is none as -1.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}
