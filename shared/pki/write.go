package pki

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"piway/shared/files"
)

const (
	publicMode  fs.FileMode = 0o644
	privateMode fs.FileMode = 0o600
)

// A file is one to be written.
type file struct {
	name string
	text []byte
	mode fs.FileMode
}

// writeAll writes the files into dir. All are on disk under other names before the first gets its own, so that a full
// disk leaves none; after an error it removes what it made, and no file is ever there in part.
func writeAll(dir string, all []file) (err error) {
	made := make([]string, 0, len(all))
	defer func() {
		if err != nil {
			for _, path := range made {
				_ = os.Remove(path) // the first error is the one to tell
			}
		}
	}()
	for _, f := range all {
		temp, err := writeTemp(dir, f)
		if err != nil {
			return fmt.Errorf("writing %s: %w", filepath.Join(dir, f.name), err)
		}
		made = append(made, temp)
	}
	for i, f := range all {
		path := filepath.Join(dir, f.name)
		if err := os.Rename(made[i], path); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
		made[i] = path
	}
	return files.System.SyncDir(dir)
}

// writeTemp writes f under a temporary name, which it returns, and syncs it. What root writes is the folder's owner's:
// the gateway's user must read it.
func writeTemp(dir string, f file) (path string, err error) {
	return files.Temp(dir, f.text, func(t *os.File) error { return errors.Join(files.OwnLike(t, dir), t.Chmod(f.mode)) })
}
