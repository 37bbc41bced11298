package main

import (
	"bytes"
	"cmp"
	"context"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"piway/shared/resident"
)

// limitMemory has Go collect more often before the process is killed or the machine swaps. GOMEMLIMIT goes before it.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if limit := memoryLimit(os.DirFS("/")); limit > 0 {
		debug.SetMemoryLimit(limit)
	}
}

// returnEvery is how often memory that is unused goes back to the system. Go gives back what lies above the size that the
// heap grew to in its last collection, and where little happens the next one is minutes away. With 1,000 connections a
// collection takes 20 ms.
const returnEvery = 30 * time.Second

// returnMemory gives memory back until ctx ends, and makes the stacks small again of connections that needed large ones
// once, as for their handshake.
func returnMemory(ctx context.Context) {
	tick := time.NewTicker(returnEvery)
	defer tick.Stop()
	release := resident.Release // what only the start needed
	for {
		select {
		case <-tick.C:
			release()
			release = debug.FreeOSMemory
		case <-ctx.Done():
			return
		}
	}
}

// memoryLimit returns what Go may use in bytes, 0 if nothing tells: three quarters of what the process's cgroups allow,
// since SQLite's pages and the stacks of the kernel are not Go's, or half of the machine's memory, if that is less.
func memoryLimit(root fs.FS) int64 {
	group, machine := int64(math.MaxInt64), int64(math.MaxInt64)
	text, _ := fs.ReadFile(root, "proc/self/cgroup") // none on other systems, as below
	for line := range bytes.Lines(text) {
		_, line, _ = bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		controllers, name, _ := strings.Cut(string(line), ":")
		switch controllers { // cgroups(7)
		case "":
			for _, file := range []string{"memory.max", "memory.high"} {
				group = min(group, groupLimit(root, "sys/fs/cgroup", name, file))
			}
		case "memory":
			group = min(group, groupLimit(root, "sys/fs/cgroup/memory", name, "memory.limit_in_bytes"))
		}
	}
	text, _ = fs.ReadFile(root, "proc/meminfo")
	if _, rest, ok := strings.Cut(string(text), "MemTotal:"); ok {
		total, _, _ := strings.Cut(rest, "kB")
		machine = min(number(total), math.MaxInt64>>10) << 10
	}
	if limit := min(group/4*3, machine/2); limit < math.MaxInt64/4 {
		return limit
	}
	return 0
}

// groupLimit is the least of a cgroup and those that it is in, up to the highest that this process can see.
func groupLimit(root fs.FS, mount, name, file string) int64 {
	limit := int64(math.MaxInt64)
	for dir := path.Clean("/" + name); ; dir = path.Dir(dir) {
		text, _ := fs.ReadFile(root, path.Join(mount, dir, file)) // not of each, and under another name in a container
		limit = min(limit, number(string(text)))
		if dir == "/" {
			return limit
		}
	}
}

// number returns a positive number; any other text, such as "max", stands for no limit.
func number(text string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64) // 0 with an error
	return cmp.Or(max(n, 0), math.MaxInt64)
}
