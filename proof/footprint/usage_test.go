package footprint_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A usage is what a process has taken since its start.
type usage struct {
	cpu      time.Duration
	wakeups  int64 // context switches of all threads
	written  int64 // bytes that it caused to be written to the storage
	resident int64 // bytes, now
}

// usageOf skips where the kernel does not tell.
func usageOf(t testing.TB, pid int) (u usage) {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d", pid)
	u.written = field(t, proc+"/io", "write_bytes:")
	u.resident = field(t, proc+"/status", "VmRSS:") << 10
	tasks, err := filepath.Glob(proc + "/task/*")
	if err != nil || len(tasks) == 0 {
		t.Skip("needs /proc")
	}
	for _, task := range tasks {
		u.wakeups += field(t, task+"/status", "voluntary_ctxt_switches:") + field(t, task+"/status", "nonvoluntary_ctxt_switches:")
		text, err := os.ReadFile(task + "/schedstat")
		if err != nil {
			t.Skip("needs a kernel that counts: ", err)
		}
		ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		u.cpu += time.Duration(ns)
	}
	return u
}

// field is a number of a file of /proc.
func field(t testing.TB, path, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Skip("needs /proc: ", err)
	}
	for line := range bytes.Lines(text) {
		if f := strings.Fields(string(line)); len(f) > 1 && f[0] == name {
			n, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Skipf("%s: got no %s", path, name)
	return 0
}

// during is what a process takes in a time.
func during(t testing.TB, pid int, d time.Duration) usage {
	t.Helper()
	before := usageOf(t, pid)
	time.Sleep(d) // what it takes in this time is the question
	after := usageOf(t, pid)
	after.cpu -= before.cpu
	after.wakeups -= before.wakeups
	after.written -= before.written
	return after
}
