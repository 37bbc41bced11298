package own

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	suffix = ".json"
	// maxFiles are read; maxEntries of the folder are looked through for them.
	maxFiles   = 500
	maxEntries = 20_000
	// entriesAtOnce bounds what a folder with very many takes in memory.
	entriesAtOnce = 256
)

// isReading reports whether a file of that name is for us. What is hidden is being written.
func isReading(name string) bool {
	return strings.HasSuffix(name, suffix) && !strings.HasPrefix(name, ".")
}

// list returns the files that are not known yet, by their names, as far as there is room for them. Refusals whose file
// is gone are removed.
func (f *Folder) list(dir *os.File) (names []string) {
	known := make(map[string]bool, len(f.files))
	for _, e := range f.files {
		known[e.name] = true
	}
	seen, err := each(dir, func(name string) {
		switch of, refused := strings.CutSuffix(name, refusedSuffix); {
		case !isReading(of) || known[of]:
		case !refused:
			names = append(names, name)
		case f.isGone(of):
			f.forget(of)
		}
	})
	if err != nil {
		f.log.Tell(slog.LevelWarn, f.opt.Dir, "own readings cannot be listed", "err", err)
	}
	slices.Sort(names)
	room := max(maxFiles-len(known), 0)
	if len(names) > room || seen >= maxEntries {
		f.log.Tell(slog.LevelWarn, f.opt.Dir, "too many files with own readings, the others are not read",
			"folder", f.opt.Dir, "read", maxFiles,
			"try", "one file for each script, which it replaces each time; remove the others")
	}
	return names[:min(len(names), room)]
}

// each calls try with the names in the folder, as many as are looked through, and returns how many they were.
func each(dir *os.File, try func(name string)) (seen int, err error) {
	for seen < maxEntries && err == nil {
		var entries []os.DirEntry
		entries, err = dir.ReadDir(entriesAtOnce)
		for _, entry := range entries {
			try(entry.Name())
		}
		seen += len(entries)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return seen, err
}

func (f *Folder) isGone(name string) bool {
	_, err := os.Lstat(filepath.Join(f.opt.Dir, name))
	return errors.Is(err, fs.ErrNotExist)
}
