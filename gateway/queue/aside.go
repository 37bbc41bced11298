package queue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// besides are the files of a store, its own last: a log must never lie beside a store that it is not of.
var besides = []string{"-wal", "-shm", ""}

// replace salvages what can be read of the store into a new one, and sets it aside.
func replace(ctx context.Context, cfg *Config, cause error) error {
	cfg.Log.Error("the store is damaged; reading what can be read of it", "file", cfg.Path, "err", cause)
	if err := clearNew(cfg); err != nil {
		return err
	}
	r, err := rebuild(ctx, cfg, cfg.Path+newSuffix)
	if err != nil {
		return err
	}
	if _, err := os.Stat(cfg.Path + newSuffix + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("closing %s: its log is still there", cfg.Path+newSuffix)
	}
	if err := promote(cfg); err != nil {
		return err
	}
	aside, err := swap(cfg)
	if err != nil {
		return err
	}
	cfg.Log.Error("the damaged store is set aside; the queue goes on with what could be read", "aside", aside,
		"reports", r.Reports, "refused_rows", r.Refused, "unreadable", r.Unreadable, "lost_samples", r.lost,
		"lost_reports_never_counted", r.uncounted, "sent_again_passes", r.Restarted,
		"try", "look at the kernel's log (dmesg) and the disk; delete the file when nobody needs it")
	return nil
}

// swap puts a salvaged store in its place, if there is one, and returns where the damaged one is now.
func swap(cfg *Config) (aside string, err error) {
	info, err := os.Stat(cfg.Path + salvagedSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	dir := filepath.Dir(cfg.Path)
	// Of the salvaged file's time, so that all parts get the same name, whenever they are renamed.
	aside = filepath.Join(dir, asidePrefix+info.ModTime().UTC().Format("20060102T150405.000000000Z"))
	for _, suffix := range besides {
		if err := cfg.Files.Rename(cfg.Path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	if err := cfg.Files.Rename(cfg.Path+salvagedSuffix, cfg.Path); err != nil {
		return "", err
	}
	if err := forgetOld(dir, cfg); err != nil {
		return "", err
	}
	return aside, nil // openDB makes the names durable
}

// forgetOld deletes the oldest of too many stores that were set aside.
func forgetOld(dir string, cfg *Config) error {
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
		cfg.Log.Warn("deleting the oldest of the damaged stores", "file", stores[0], "kept", keepAside)
		for _, suffix := range besides {
			if err := os.RemoveAll(filepath.Join(dir, stores[0]+suffix)); err != nil {
				return err
			}
		}
		stores = stores[1:]
	}
	return nil
}

// clearNew removes what a copy left that was not finished.
func clearNew(cfg *Config) error {
	for _, suffix := range besides {
		if err := cfg.Files.Remove(cfg.Path + newSuffix + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// promote makes the new store durable, under the name by which swap finds it.
func promote(cfg *Config) error {
	path := cfg.Path + newSuffix
	f, err := cfg.Files.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := cfg.Files.Rename(path, cfg.Path+salvagedSuffix); err != nil {
		return err
	}
	return cfg.Files.SyncDir(filepath.Dir(path))
}
