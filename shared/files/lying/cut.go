package lying

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// Cut writes into the empty folder to what a power cut at this moment would leave. Without rng nothing survives that
// was not synced. With it, what was not synced may have become durable early: of each file any of its pages, and its
// size; of each folder the changes up to any of them. The disk itself goes on, as if there had been no cut.
func (d *Disk) Cut(to string, rng *rand.Rand) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.scanAll(d.root, d.real); err != nil {
		return fmt.Errorf("cutting the power: %w", err)
	}
	if err := d.root.leave(to, rng); err != nil {
		return fmt.Errorf("cutting the power: %w", err)
	}
	return nil
}

// leave writes what is left of a folder.
func (n *node) leave(to string, rng *rand.Rand) error {
	names := n.afterCut(rng)
	for _, name := range slices.Sorted(maps.Keys(names)) { // in order, so that a seed means the same each time
		child, path := names[name], filepath.Join(to, name)
		if child.isFolder() {
			if err := os.Mkdir(path, 0o700); err != nil {
				return err
			}
			if err := child.leave(path, rng); err != nil {
				return err
			}
			continue
		}
		text, err := child.left(rng)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, text, child.mode()); err != nil {
			return err
		}
	}
	return nil
}

// left is what is left of a file.
func (n *node) left(rng *rand.Rand) ([]byte, error) {
	if err := n.load(); err != nil {
		return nil, err
	}
	if rng == nil {
		return n.durable, nil
	}
	part := rng.Float64()
	return n.writeBack(slices.Clone(n.durable), rng.Float64() < part, func(int64) bool { return rng.Float64() < part })
}

func (n *node) mode() os.FileMode {
	info, err := n.f.Stat()
	if err != nil {
		return 0o600
	}
	return info.Mode().Perm()
}

// Drop makes the cache forget what is clean: what a failed sync lost is gone from what is visible, too.
func (d *Disk) Drop() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.nodes {
		if n.isFolder() {
			continue
		}
		if err := n.evict(); err != nil {
			return fmt.Errorf("dropping clean pages: %w", err)
		}
	}
	return nil
}
