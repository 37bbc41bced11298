package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// What root makes in a folder of somebody else must be that somebody's: a service that runs as its own user could not
// open what a command run by sudo has left there. Who owns a folder may at any moment put something else in the place
// of a file: a link to a file of root's, which root would then write to or give away. So in such a folder
//
//   - root stays in the folder that it has opened (os.Root), whatever is renamed meanwhile, and follows no link out of it;
//   - what is given away was made by this very call (O_EXCL), and is given by its descriptor, not by its name;
//   - a file that is there is opened only if it is a plain one, and is no second name of a file of somebody else's.

// OpenFile is os.OpenFile. For root, a file that it makes gets the owner and group of its folder, and its mode whatever
// the umask, with O_EXCL in its own folders too; in a folder of somebody else what may be a trap is refused.
func OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	if os.Geteuid() != 0 || flag&(os.O_CREATE|os.O_WRONLY|os.O_RDWR) == 0 {
		return os.OpenFile(name, flag, perm)
	}
	dir, err := openFolder(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	defer dir.close()
	if !dir.foreign() {
		return openOwn(name, flag, perm)
	}
	f, err := dir.open(filepath.Base(name), flag, perm)
	if err != nil {
		return nil, named(name, err)
	}
	return f, nil
}

// openOwn opens a file in a folder of root's. Of one that it makes for sure, the mode is as asked for.
func openOwn(name string, flag int, perm fs.FileMode) (*os.File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil || flag&os.O_CREATE == 0 || flag&os.O_EXCL == 0 {
		return f, err
	}
	if err := f.Chmod(perm); err != nil {
		_, _ = f.Close(), os.Remove(name) // the first error is the one to tell
		return nil, err
	}
	return f, nil
}

// OwnLike gives an open file, which its caller has made in the folder with a name that nobody could know, to the
// folder's owner. It changes nothing unless this is root, and the folder somebody else's.
func OwnLike(f *os.File, folder string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	dir, err := openFolder(folder)
	if err != nil {
		return err
	}
	defer dir.close()
	if !dir.foreign() {
		return nil
	}
	return dir.give(f)
}

// mkdir is os.Mkdir. What root makes gets the owner and group of the folder that it is in, and its mode whatever the
// umask: root's may be one with which no service could enter.
func mkdir(name string, perm fs.FileMode) error {
	if os.Geteuid() != 0 {
		return os.Mkdir(name, perm)
	}
	dir, err := openFolder(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer dir.close()
	if !dir.foreign() {
		if err := os.Mkdir(name, perm); err != nil {
			return err
		}
		return os.Chmod(name, perm)
	}
	base := filepath.Base(name)
	if err := dir.root.Mkdir(base, perm); err != nil {
		return named(name, err)
	}
	made, err := dir.root.OpenRoot(base) // a folder, and in this one
	if err != nil {
		return named(name, err)
	}
	defer func() { _ = made.Close() }() // only read
	f, err := made.Open(".")
	if err != nil {
		return named(name, err)
	}
	return errors.Join(f.Chmod(perm), dir.give(f), f.Close())
}

// A folder is one that root has opened.
type folder struct {
	root     *os.Root
	uid, gid uint32
}

func openFolder(name string) (*folder, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err != nil {
		_ = root.Close() // the first error is the one to tell
		return nil, err
	}
	s := info.Sys().(*syscall.Stat_t) //nolint:forcetypeassert // of a file of the system
	return &folder{root, s.Uid, s.Gid}, nil
}

func (d *folder) close() { _ = d.root.Close() } // nothing was written to it

func (d *folder) foreign() bool { return d.uid != 0 }

func (d *folder) give(f *os.File) error { return f.Chown(int(d.uid), int(d.gid)) }

// openTries bounds how often a file may come and go while it is opened.
const openTries = 10

func (d *folder) open(base string, flag int, perm fs.FileMode) (*os.File, error) {
	var err error
	for range openTries {
		var f *os.File
		if flag&os.O_CREATE != 0 {
			if f, err = d.create(base, flag, perm); !errors.Is(err, fs.ErrExist) || flag&os.O_EXCL != 0 {
				return f, err
			}
		}
		if f, err = d.openOld(base, flag); !errors.Is(err, fs.ErrNotExist) || flag&os.O_CREATE == 0 {
			return f, err
		}
	}
	return nil, err
}

func (d *folder) create(base string, flag int, perm fs.FileMode) (*os.File, error) {
	f, err := d.root.OpenFile(base, flag|os.O_EXCL, perm)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Chmod(perm), d.give(f)); err != nil {
		_, _ = f.Close(), d.root.Remove(base) // the first error is the one to tell
		return nil, err
	}
	return f, nil
}

// openOld opens a file that is there. It looks before it truncates, and does not wait at a pipe.
func (d *folder) openOld(base string, flag int) (*os.File, error) {
	f, err := d.root.OpenFile(base, flag&^(os.O_CREATE|os.O_TRUNC)|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	err = d.trusted(f)
	if err == nil && flag&os.O_TRUNC != 0 {
		err = f.Truncate(0)
	}
	if err != nil {
		_ = f.Close() // the first error is the one to tell
		return nil, err
	}
	return f, nil
}

// errPlanted says that what is there may be meant to lead root astray.
var errPlanted = errors.New("may have been put there to mislead root: remove it")

func (d *folder) trusted(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	s := info.Sys().(*syscall.Stat_t) //nolint:forcetypeassert // of a file of the system
	if !info.Mode().IsRegular() || (s.Uid != d.uid && s.Nlink != 1) {
		return errPlanted
	}
	return nil
}

// GiveSocket gives the socket at path, which its caller has just made, its mode, and in a folder of somebody else's, by
// root, the folder's owner and group.
func GiveSocket(path string, mode fs.FileMode) error {
	if os.Geteuid() != 0 {
		return os.Chmod(path, mode)
	}
	dir, err := openFolder(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.close()
	if !dir.foreign() {
		return os.Chmod(path, mode)
	}
	// A socket cannot be opened, but its entry can, and that is then held whatever becomes of its name.
	f, err := dir.root.OpenFile(filepath.Base(path), oPath, 0)
	if err != nil {
		return named(path, err)
	}
	defer func() { _ = f.Close() }() // only looked at
	info, err := f.Stat()
	if err != nil {
		return err
	}
	s := info.Sys().(*syscall.Stat_t) //nolint:forcetypeassert // of a file of the system
	if info.Mode().Type() != fs.ModeSocket || s.Uid != 0 || s.Nlink != 1 {
		return named(path, errPlanted)
	}
	held := "/proc/self/fd/" + strconv.Itoa(int(f.Fd()))
	return errors.Join(os.Chmod(held, mode), os.Chown(held, int(dir.uid), int(dir.gid)))
}

// oPath is O_PATH, which package syscall does not have; it is the same on all machines that Linux and Go share.
const oPath = 0x200000

// named puts the whole path into an error of a folder's.
func named(name string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: "open", Path: name, Err: e.Err}
	}
	return fmt.Errorf("open %s: %w", name, err)
}
