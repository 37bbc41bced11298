package bench_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"piway/proof/world"
)

// cpuOf returns the processor time that a process has used, to the nanosecond.
func cpuOf(b testing.TB, p *world.Process) (sum time.Duration) {
	b.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.PID()))
	if err != nil || len(tasks) == 0 {
		b.Skip("needs /proc, and a kernel that counts")
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(ns)
	}
	return sum
}

// fsyncOf is the median time that the disk takes for 4 KiB at the end of a file.
func fsyncOf(b testing.TB) time.Duration {
	b.Helper()
	f, err := os.Create(filepath.Join(world.OnDisk(b), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }() // nobody reads it
	var all []float64
	for range 101 {
		before := time.Now()
		_, err := f.Write(make([]byte, 4<<10))
		if err := errors.Join(err, f.Sync()); err != nil {
			b.Fatal(err)
		}
		all = append(all, float64(time.Since(before)))
	}
	return time.Duration(median(all))
}

// rssOf returns the resident memory of a process in MiB.
func rssOf(b testing.TB, p *world.Process) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		b.Skip("needs /proc: ", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}
