package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Rewrite is Replace for a file that people keep and edit: its mode and owner stay, and a link goes on pointing there.
// A new one, and its folder, is its folder's owner's, and has the mode perm whatever the umask.
func Rewrite(path string, text []byte, perm fs.FileMode) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	temp, err := Temp(filepath.Dir(path), text, func(f *os.File) error { return like(f, path, perm) })
	if err != nil {
		return err
	}
	return place(System, temp, path)
}

// CanRewrite returns nil if Rewrite would find a folder for the file at path that it can write to. It makes the folder.
func CanRewrite(path string) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	temp, err := Temp(filepath.Dir(path), nil, func(*os.File) error { return nil })
	if err != nil {
		return err
	}
	return os.Remove(temp)
}

// target returns what a path points to, in a folder that is there.
func target(path string) (string, error) {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		path = to
	}
	return path, System.Mkdir(filepath.Dir(path), 0o755)
}

// like gives a new file the mode and owner of the one at path, or what a new one has.
func like(f *os.File, path string, perm fs.FileMode) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.Join(OwnLike(f, filepath.Dir(path)), f.Chmod(perm))
	}
	if err != nil {
		return err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := f.Chown(int(s.Uid), int(s.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(info.Mode().Perm())
}

// Temp writes text to a new file in dir, for a rename or a link to give it its name, and syncs it. Until then it has
// one that nobody could know. own gives the open file, whose mode is 0600, its mode and owner. After an error nothing
// is left.
func Temp(dir string, text []byte, own func(*os.File) error) (path string, err error) {
	f, err := os.CreateTemp(dir, ".new-*"+replaceSuffix)
	if err != nil {
		return "", err
	}
	_, werr := f.Write(text)
	if err := errors.Join(own(f), werr, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to tell
		return "", err
	}
	return f.Name(), nil
}
