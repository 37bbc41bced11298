package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"piway/shared/config"
	"piway/shared/files"
)

// Save writes the archive to a new file with mode 0600: it replaces nothing, and follows no link. nil means that it is
// on disk; after an error there is no file.
func (a *Archive) Save(path string) error {
	f, err := files.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return config.Try(fmt.Errorf("writing the backup: %s exists", path), "another FILE, or remove it")
	case errors.Is(err, fs.ErrPermission):
		return config.Try(fmt.Errorf("writing the backup: %w", err), "a FILE in a folder of yours, or sudo")
	case err != nil:
		return fmt.Errorf("writing the backup: %w", err)
	}
	if err := errors.Join(a.Write(f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	if err := files.System.SyncDir(filepath.Dir(path)); err != nil && !files.NoFolderSync(err) {
		return errors.Join(fmt.Errorf("writing the backup: %w", err), os.Remove(path))
	}
	return nil
}
