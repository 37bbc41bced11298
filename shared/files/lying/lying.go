// Package lying is a disk for tests that does what real disks do to those who trust them: it forgets what was not synced,
// fails a sync and then pretends that all is well, writes a part, is full, is slow.
package lying

import "piway/shared/files"

// An Op is something asked of the disk.
type Op struct {
	// Kind is "open", "read", "write", "truncate", "sync", "rename", "remove", "mkdir" or "syncdir".
	Kind string
	Path string
}

// A Disk is a real folder, which is what its users see, and a model of what of it would outlive a power cut.
type Disk struct {
	files.FS
}
