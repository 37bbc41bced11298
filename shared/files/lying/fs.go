package lying

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"piway/shared/files"
)

var _ files.FS = (*Disk)(nil)

// OpenFile is os.OpenFile.
func (d *Disk) OpenFile(name string, flag int, perm fs.FileMode) (f files.File, err error) {
	err = d.do(Op{Kind: Open, Path: name}, func(fail error) error {
		if fail != nil {
			return fail
		}
		f, err = d.open(name, flag, perm)
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d *Disk) open(name string, flag int, perm fs.FileMode) (*file, error) {
	r, err := os.OpenFile(name, flag&^os.O_TRUNC, perm)
	if err != nil {
		return nil, err
	}
	h, err := d.attach(name)
	if err == nil && flag&os.O_TRUNC != 0 {
		err = h.truncate(0, func() error { return r.Truncate(0) })
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return &file{h: h, r: r, appends: flag&os.O_APPEND != 0}, nil
}

// Rename is os.Rename.
func (d *Disk) Rename(from, to string) error {
	return d.change(Op{Kind: Rename, Path: from, To: to}, func() error { return os.Rename(from, to) })
}

// Remove is os.Remove.
func (d *Disk) Remove(name string) error {
	return d.change(Op{Kind: Remove, Path: name}, func() error { return os.Remove(name) })
}

// change does what changes the entries op.Path and op.To, of which the latter may be "". Between two folders a rename
// is two changes, of which a power cut may leave either.
func (d *Disk) change(op Op, f func() error) error {
	return d.do(op, func(fail error) error {
		if fail != nil {
			return fail
		}
		if err := d.lookAt(op); err != nil { // so that nothing that is about to go is unknown
			return err
		}
		if err := f(); err != nil {
			return err
		}
		return d.lookAt(op)
	})
}

func (d *Disk) lookAt(op Op) error {
	dir, where, name, err := d.folderOf(op.Path)
	if err != nil {
		return err
	}
	if op.To == "" {
		return d.look(dir, where, name)
	}
	toDir, toReal, toName, err := d.folderOf(op.To)
	if err != nil {
		return err
	}
	if dir == toDir {
		return d.look(dir, where, name, toName)
	}
	return errors.Join(d.look(toDir, toReal, toName), d.look(dir, where, name))
}

// Mkdir makes a folder and its parents, and syncs the folder of each. Like the system's it removes again what it could not
// make durable.
func (d *Disk) Mkdir(name string, perm fs.FileMode) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(name)
	if parent != name {
		if err := d.Mkdir(parent, perm); err != nil {
			return err
		}
	}
	made := d.change(Op{Kind: Mkdir, Path: name}, func() error { return os.Mkdir(name, perm) })
	if made != nil && !errors.Is(made, fs.ErrExist) {
		return made
	}
	err := d.SyncDir(parent)
	if err != nil && made == nil {
		_ = d.Remove(name) // the first error is the one to tell
	}
	return err
}

// SyncDir makes the entries of a folder durable, or fails and forgets what was to become it.
func (d *Disk) SyncDir(name string) error {
	return d.do(Op{Kind: SyncDir, Path: name}, func(fail error) error {
		parts, err := d.parts(name)
		if err != nil {
			return err
		}
		dir, where, err := d.walk(parts)
		if err != nil {
			return err
		}
		if err := d.scan(dir, where); err != nil {
			return err
		}
		if fail != nil {
			if !errors.As(fail, new(*Again)) {
				dir.pending = nil
			}
			return fail
		}
		dir.syncedDir()
		return d.sweep()
	})
}

// A file is open and asks the disk.
type file struct {
	h       *Handle
	r       *os.File
	appends bool
}

func (f *file) Read(p []byte) (n int, err error) {
	at, err := f.r.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	if err := f.h.Read(at, int64(len(p))); err != nil {
		return 0, err
	}
	return f.r.Read(p)
}

func (f *file) ReadAt(p []byte, at int64) (int, error) {
	if err := f.h.Read(at, int64(len(p))); err != nil {
		return 0, err
	}
	return f.r.ReadAt(p, at)
}

func (f *file) Write(p []byte) (n int, err error) {
	whence := io.SeekCurrent
	if f.appends {
		whence = io.SeekEnd
	}
	at, err := f.r.Seek(0, whence)
	if err != nil {
		return 0, err
	}
	err = f.h.Write(at, int64(len(p)), func(length int64) error {
		n, err = f.r.Write(p[:length])
		return err
	})
	return n, err
}

func (f *file) WriteAt(p []byte, at int64) (n int, err error) {
	err = f.h.Write(at, int64(len(p)), func(length int64) error {
		n, err = f.r.WriteAt(p[:length], at)
		return err
	})
	return n, err
}

func (f *file) Sync() error { return f.h.Sync() }

func (f *file) Truncate(size int64) error {
	return f.h.Truncate(size, func() error { return f.r.Truncate(size) })
}

func (f *file) Stat() (fs.FileInfo, error) { return f.r.Stat() }

func (f *file) Close() error {
	if err := f.r.Close(); err != nil {
		return err
	}
	f.h.Close()
	return nil
}
