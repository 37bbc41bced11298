package replace

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"piway/gateway/queue/store"
)

// A damaged store is replaced in steps that a crash may part: what is salvaged is built in path.new, which a crash
// leaves to be built again; complete, it is renamed to path.salvaged; then the old files are set aside and it takes
// their place.
const (
	newSuffix      = ".new"
	salvagedSuffix = ".salvaged"
	asidePrefix    = "queue.damaged-"
	// keepAside is how many damaged stores are kept; each may be as large as the queue.
	keepAside = 3
)

// swap puts a salvaged store in its place, if there is one, and returns where the damaged one is now.
func swap(o *store.Options, log *slog.Logger) (aside string, err error) {
	info, err := os.Stat(o.Path + salvagedSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	dir := filepath.Dir(o.Path)
	// Of the salvaged file's time, so that all parts get the same name, whenever they are renamed.
	aside = filepath.Join(dir, asidePrefix+info.ModTime().UTC().Format("20060102T150405.000000000Z"))
	for _, suffix := range store.Suffixes {
		if err := o.Files.Rename(o.Path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	if err := o.Files.Rename(o.Path+salvagedSuffix, o.Path); err != nil {
		return "", err
	}
	if err := forgetOld(dir, log); err != nil {
		return "", err
	}
	return aside, nil // store.Open makes the names durable
}

// forgetOld deletes the oldest of too many stores that were set aside.
func forgetOld(dir string, log *slog.Logger) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var stores []string
	for _, e := range entries {
		if ok, _ := filepath.Match(asidePrefix+"*Z", e.Name()); ok {
			stores = append(stores, e.Name())
		}
	}
	slices.Sort(stores) // by time
	for len(stores) > keepAside {
		log.Warn("deleting the oldest of the damaged stores", "file", stores[0], "kept", keepAside)
		for _, suffix := range store.Suffixes {
			if err := os.RemoveAll(filepath.Join(dir, stores[0]+suffix)); err != nil {
				return err
			}
		}
		stores = stores[1:]
	}
	return nil
}

// clearNew removes what a copy left that was not finished.
func clearNew(o *store.Options) error {
	for _, suffix := range store.Suffixes {
		if err := o.Files.Remove(o.Path + newSuffix + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// promote makes the new store durable, under the name by which swap finds it.
func promote(o *store.Options) error {
	path := o.Path + newSuffix
	f, err := o.Files.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := o.Files.Rename(path, o.Path+salvagedSuffix); err != nil {
		return err
	}
	return o.Files.SyncDir(filepath.Dir(path))
}
