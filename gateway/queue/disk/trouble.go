package disk

import "piway/gateway/queue/store"

// troubles are the states of a disk in which nothing is stored, and what the operator can do.
var troubles = map[store.Trouble]struct{ what, fix string }{
	store.Full: {"the disk is full", fixFull},
	store.AtBound: {
		"the store may not grow further",
		"a larger queue.max_bytes; find out why AWS takes too little",
	},
	store.ReadOnly: {"the disk is read-only", fixReadOnly},
	store.Failing: {
		"the disk fails to write",
		fixWorn + "; the gateway goes on by itself",
	},
	store.Astray: {
		"the store's files were removed or replaced under the running gateway",
		"stop the gateway before its files are moved or restored; it goes on by itself with a copy of what it has open",
	},
}

const (
	fixFull     = "delete something, or move data.dir to a larger disk; the gateway goes on by itself"
	fixReadOnly = "look at the kernel's log (dmesg), mount the disk writable, give data.dir to the gateway's user; " +
		"the gateway goes on by itself"
	fixWorn = "look at the kernel's log (dmesg); the disk or SD card may be worn out"
)

// IsTrouble reports whether err, of anything in the data folder dir, comes from its disk and not from a mistake of the
// user, so that trying again later can help; and what the operator can do.
func IsTrouble(err error, dir string) (fix string, ok bool) {
	switch store.TroubleOf(err, dir) { //nolint:exhaustive // the others do not keep it from being opened
	case store.Full:
		return fixFull, true
	case store.ReadOnly:
		return fixReadOnly, true
	case store.Failing, store.Astray, store.Damaged:
		return fixWorn, true
	default:
		return "", false
	}
}
