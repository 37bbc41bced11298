package pki

import (
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
	return syncDir(dir)
}

// writeTemp writes f under a temporary name, which it returns, and syncs it. What root writes is the folder's owner's:
// the gateway's user must read it.
func writeTemp(dir string, f file) (path string, err error) {
	t, err := os.CreateTemp(dir, ".new-*.tmp") // mode 0600 from the start
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = t.Close()
			_ = os.Remove(t.Name())
		}
	}()
	if err := files.OwnLike(t, dir); err != nil {
		return "", err
	}
	if _, err := t.Write(f.text); err != nil {
		return "", err
	}
	if err := t.Chmod(f.mode); err != nil {
		return "", err
	}
	if err := t.Sync(); err != nil {
		return "", err
	}
	return t.Name(), t.Close()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("syncing the folder %s: %w", dir, err)
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("syncing the folder %s: %w", dir, err)
	}
	return nil
}
