package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"piway/shared/files"
)

// The files beside a store: its write-ahead log, and the log's index.
const (
	LogSuffix   = "-wal"
	IndexSuffix = "-shm"
)

// Suffixes are those of a store's files, its own last: a log must never lie beside a store that it is not of.
var Suffixes = []string{LogSuffix, IndexSuffix, ""}

// LogBytes is how much is in the log when it is moved: of 2,000 devices what comes in a window and a half. A page that was
// written anew meanwhile is moved once. The ballast has room for it.
const LogBytes = 6 << 20

// writeBack writes a log that is there in place, byte for byte, and makes it durable. After a write that failed and a
// SIGKILL the kernel may show bytes that never reached the disk, and SQLite would take them for commits; so whatever
// SQLite is going to read is on the disk before. What it shows is at least what was ever acknowledged.
func writeBack(f files.FS, path string) error {
	log, err := f.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := errors.Join(rewrite(log), log.Sync(), log.Close()); err != nil {
		return fmt.Errorf("writing the log back: %w", err)
	}
	return nil
}

func rewrite(log files.File) error {
	chunk := make([]byte, 1<<20)
	for at := int64(0); ; {
		n, err := log.ReadAt(chunk, at)
		if n > 0 {
			if _, err := log.WriteAt(chunk[:n], at); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		at += int64(n)
	}
}
