package lying

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// A folder is what a node has that is one; now is nil in a file.
type folder struct {
	now     map[string]*node // as seen last
	kept    map[string]*node // durable
	pending []change         // of now, not durable, in order
}

// A change is what one operation does to a folder: what its names mean after it, nil for nothing. It happens as a
// whole.
type change map[string]*node

func (c change) apply(names map[string]*node) {
	for name, n := range c {
		if n == nil {
			delete(names, name)
		} else {
			names[name] = n
		}
	}
}

// syncedDir makes the changes durable, in order.
func (f *folder) syncedDir() {
	for _, c := range f.pending {
		c.apply(f.kept)
	}
	f.pending = nil
}

// afterCut is what the folder may be after a power cut: some of the last changes are not there.
func (f *folder) afterCut(rng *rand.Rand) map[string]*node {
	names := maps.Clone(f.kept)
	if rng != nil {
		for _, c := range f.pending[:rng.IntN(len(f.pending)+1)] {
			c.apply(names)
		}
	}
	return names
}

// look notes what is now at the names in the folder dir, which lies at path.
func (d *Disk) look(dir *node, path string, names ...string) error {
	c := change{}
	for _, name := range names {
		n, err := d.at(filepath.Join(path, name))
		if err != nil {
			return err
		}
		if n != dir.now[name] {
			c[name] = n
		}
	}
	if len(c) == 0 {
		return nil
	}
	c.apply(dir.now)
	dir.pending = append(dir.pending, c)
	return nil
}

// at returns what lies at path, nil for nothing and for what is neither a file nor a folder.
func (d *Disk) at(path string) (*node, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nothing lies there
	}
	if err != nil {
		return nil, err
	}
	key, ok := inodeOf(info)
	if !ok {
		return nil, fmt.Errorf("%s has no inode", path)
	}
	if n := d.nodes[key]; n != nil && n.isFolder() == info.IsDir() {
		return n, nil
	}
	var n *node
	switch {
	case info.IsDir():
		n, err = newFolder(path)
	case info.Mode().IsRegular():
		n, err = newFile(path, info.Size())
	default:
		return nil, nil // a socket or link is no matter of this disk
	}
	if err != nil {
		return nil, err
	}
	d.nodes[key] = n
	return n, nil
}

// folderOf returns the folder that holds path, as the disk's own and as a real path, and the last name in path.
func (d *Disk) folderOf(path string) (dir *node, where, name string, err error) {
	parts, err := d.parts(path)
	if err != nil || len(parts) == 0 {
		return nil, "", "", errors.Join(err, fs.ErrInvalid)
	}
	name = parts[len(parts)-1]
	dir, where, err = d.walk(parts[:len(parts)-1])
	return dir, where, name, err
}

// walk follows names from the disk's folder.
func (d *Disk) walk(names []string) (dir *node, where string, err error) {
	dir, where = d.root, d.real
	for _, name := range names {
		if err := d.look(dir, where, name); err != nil {
			return nil, "", err
		}
		dir, where = dir.now[name], filepath.Join(where, name)
		if dir == nil || !dir.isFolder() {
			return nil, "", fmt.Errorf("%s: %w", where, fs.ErrNotExist)
		}
	}
	return dir, where, nil
}

// scan notes all that is in a folder now.
func (d *Disk) scan(dir *node, path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	names := slices.Collect(maps.Keys(dir.now))
	for _, e := range entries {
		if dir.now[e.Name()] == nil {
			names = append(names, e.Name())
		}
	}
	return d.look(dir, path, names...)
}

// scanAll notes all that is below a folder now.
func (d *Disk) scanAll(dir *node, path string) error {
	if err := d.scan(dir, path); err != nil {
		return err
	}
	for name, n := range dir.now {
		if !n.isFolder() {
			continue
		}
		if err := d.scanAll(n, filepath.Join(path, name)); err != nil {
			return err
		}
	}
	return nil
}

// sweep forgets files that have no name left, now or after a cut.
func (d *Disk) sweep() error {
	found := map[*node]bool{}
	d.root.mark(found)
	var all error
	for key, n := range d.nodes {
		if found[n] || n.users > 0 {
			continue
		}
		all = errors.Join(all, n.f.Close())
		delete(d.nodes, key)
	}
	return all
}

func (n *node) mark(found map[*node]bool) {
	if n == nil || found[n] {
		return
	}
	found[n] = true
	for _, names := range append([]change{n.now, n.kept}, n.pending...) {
		for _, child := range names {
			child.mark(found)
		}
	}
}
