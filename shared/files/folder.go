package files

import (
	"errors"
	"syscall"
)

// NoFolderSync reports whether an error of SyncDir, or of what calls it, says that this file system cannot sync
// folders at all. There is no better promise to be had there; any other error is one.
func NoFolderSync(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP)
}
