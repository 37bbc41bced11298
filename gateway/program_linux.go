package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// A mapping is a part of this process's memory, from begin to end, as /proc/self/smaps tells of it (proc_pid_smaps(5)).
type mapping struct {
	begin, end   uintptr
	rights, path string
	resident     int // kB
	changed      int // kB, of what is no longer as in the file
}

// unmapProgram gives back what of the program file only the start needed, which is more than half of it. Pages that are
// used again come from the kernel's cache.
func unmapProgram() {
	for _, m := range mappings() {
		if m.isProgram() {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, m.begin, m.end-m.begin, syscall.MADV_DONTNEED) // or it stays
		}
	}
}

// isProgram reports whether all of it is as in the program file, and will be: what the linker or anybody else has
// changed would be lost.
func (m *mapping) isProgram() bool {
	program, err := os.Executable()
	return err == nil && m.path == program && !strings.Contains(m.rights, "w") && m.changed == 0
}

// mappings are what this process has mapped, as far as that can be read.
func mappings() (all []mapping) {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // only read
	m := &mapping{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		switch name, value, _ := strings.Cut(line, ":"); {
		case name == "Rss":
			_, _ = fmt.Sscan(value, &m.resident)
		case name == "Anonymous":
			_, _ = fmt.Sscan(value, &m.changed)
		case strings.Contains(name, "-"): // BEGIN-END RIGHTS OFFSET DEVICE INODE PATH
			all = append(all, mapping{changed: 1})
			m = &all[len(all)-1]
			var skip string
			_, _ = fmt.Sscanf(line, "%x-%x %s %s %s %s %s", &m.begin, &m.end, &m.rights, &skip, &skip, &skip, &m.path)
		}
	}
	return all
}
