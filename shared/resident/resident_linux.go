package resident

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

// Release gives back garbage, and the pages of the program's own file that nothing has changed.
func Release() {
	debug.FreeOSMemory()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, m := range unchanged(string(text), exe) {
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, m.start, m.end-m.start, syscall.MADV_DONTNEED) // it may be refused
	}
}

// A mapping is a range of addresses.
type mapping struct{ start, end uintptr }

// unchanged returns the mappings of a file (proc_pid_smaps(5)) of which every page is as it is in the file, and will be:
// no other may be let go.
func unchanged(smaps, file string) (all []mapping) {
	same := false // the last of all is of the file
	for line := range strings.Lines(smaps) {
		fields := strings.Fields(line)
		switch {
		case len(fields) < 2:
		case strings.HasSuffix(fields[0], ":"): // an amount of the mapping above
			if same && isChange(fields[0], fields[1]) {
				all, same = all[:len(all)-1], false
			}
		default:
			m, ok := parseMapping(fields[0])
			if same = ok && isConstant(fields[1]) && strings.HasSuffix(line, " "+file+"\n"); same {
				all = append(all, m)
			}
		}
	}
	return all
}

// isConstant reports whether code or constants have these permissions.
func isConstant(permissions string) bool { return permissions == "r-xp" || permissions == "r--p" }

// isChange reports whether an amount says that there are pages that are not the file's, or that are to stay.
func isChange(name, amount string) bool {
	return (name == "Anonymous:" || name == "Locked:") && amount != "0"
}

// parseMapping reads START-END.
func parseMapping(text string) (m mapping, ok bool) {
	from, to, _ := strings.Cut(text, "-")
	start, err := strconv.ParseUint(from, 16, strconv.IntSize)
	end, errEnd := strconv.ParseUint(to, 16, strconv.IntSize)
	return mapping{uintptr(start), uintptr(end)}, err == nil && errEnd == nil && start < end
}
