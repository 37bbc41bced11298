package main

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	const machine = "MemTotal:        1024000 kB\nMemFree:          100 kB\n"
	const half, none = 1024000 * 1024 / 2, "9223372036854771712"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing":           {nil, 0},
		"machine":           {map[string]string{"proc/meminfo": machine}, half},
		"machine, nonsense": {map[string]string{"proc/meminfo": "MemTotal: 99999999999999999 kB"}, 0},
		"v2, no limit": {map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n",
		}, half},
		"v2": {map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "4000000\n",
		}, 3000000},
		"v2, of an ancestor": {map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/memory.max": "4000000\n", "sys/fs/cgroup/a/b/memory.max": "8000000\n",
		}, 3000000},
		"v2, high": {map[string]string{
			"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n", "sys/fs/cgroup/a/memory.high": "4000000\n",
		}, 3000000},
		"v2, in a container": {map[string]string{
			"proc/self/cgroup": "0::/../outer/x\n", "sys/fs/cgroup/memory.max": "4000000\n",
		}, 3000000},
		"v2, more than the machine": {map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "40000000000\n",
		}, half},
		"v1": {map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "11:cpu,cpuacct:/x\n9:memory:/a/b\n0::/c\n",
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": none, "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "4000000\n",
		}, 3000000},
		"v1, no limit": {map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "9:memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": none,
		}, half},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := fstest.MapFS{}
			for path, text := range c.files {
				root[path] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := memoryLimit(root); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

// What a burst needed goes back, though nothing happens that would have Go collect.
func TestReturnMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go returnMemory(ctx)
		const burst = 64 << 20
		b := make([]byte, burst)
		_, _ = rand.NewChaCha8([32]byte{}).Read(b) // resident now; it does not fail
		runtime.KeepAlive(b)
		held := func() uint64 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapSys - m.HeapReleased
		}
		before := held()
		time.Sleep(returnEvery + 1) // of the test's own clock
		synctest.Wait()
		if after := held(); before-min(before, after) < burst/2 {
			t.Errorf("of %d bytes %d are held", before, after)
		}
	})
}
