package files_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"piway/shared/files"
)

// somebody is who the folders of these tests belong to.
const somebody = 65534

// foreign returns a folder that belongs to somebody else than root, who runs the test.
func foreign(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder to somebody else")
	}
	// Short, for sockets.
	dir, err := os.MkdirTemp("", "pw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chown(dir, somebody, somebody); err != nil {
		t.Fatal(err)
	}
	return dir
}

func owner(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}

func open(path string, flag int) error {
	f, err := files.System.OpenFile(path, flag, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// What root makes in somebody's folder is that somebody's, or a service of theirs is locked out.
func TestSystem_rootGivesWhatItMakesToTheFoldersOwner(t *testing.T) {
	dir := foreign(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	made, err := os.CreateTemp(dir, "temp")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		open(at("lock"), os.O_CREATE|os.O_RDWR),
		open(at("segment"), os.O_CREATE|os.O_EXCL|os.O_WRONLY),
		open(at("ballast"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY),
		files.Replace(files.System, at("devices.json"), []byte("{}"), 0o600),
		files.System.Mkdir(at("a/b"), 0o750),
		open(at("a/b/c"), os.O_CREATE|os.O_WRONLY),
		files.OwnLike(made, dir),
	); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"lock", "segment", "ballast", "devices.json", "a", "a/b", "a/b/c",
		filepath.Base(made.Name()),
	} {
		if got := owner(t, at(name)); got != somebody {
			t.Errorf("%s belongs to %d, want %d", name, got, somebody)
		}
	}
	// What is there stays as it is, and is opened.
	if err := os.WriteFile(at("old"), []byte("text"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := open(at("old"), os.O_CREATE|os.O_RDWR); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(at("old")); err != nil || string(text) != "text" || owner(t, at("old")) != 0 {
		t.Errorf("got %q of %d, %v, want the file as it was", text, owner(t, at("old")), err)
	}
	if err := open(at("old"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(at("old")); err != nil || len(text) != 0 {
		t.Errorf("got %q, %v, want it truncated", text, err)
	}
	if err := open(at("old"), os.O_CREATE|os.O_EXCL|os.O_WRONLY); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want ErrExist", err)
	}
	if err := open(at("none"), os.O_WRONLY); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
	if err := open(at("no/folder"), os.O_CREATE|os.O_WRONLY); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
}

// The attack: who owns the folder puts something in the place of the file that root will make, so that root writes to,
// or gives away, a file of its own.
func TestSystem_rootIsNotLedAstray(t *testing.T) {
	flags := map[string]int{
		"open or make": os.O_CREATE | os.O_RDWR, "empty or make": os.O_CREATE | os.O_TRUNC | os.O_WRONLY,
		"make": os.O_CREATE | os.O_EXCL | os.O_WRONLY, "open": os.O_RDWR, "append": os.O_WRONLY | os.O_APPEND,
	}
	for name, plant := range map[string]func(secret, path string) error{
		"a symbolic link to root's file":       os.Symlink,
		"a symbolic link to what is not there": func(secret, path string) error { return os.Symlink(secret+"-none", path) },
		"a relative symbolic link": func(secret, path string) error {
			return os.Symlink("../"+filepath.Base(filepath.Dir(secret))+"/secret", path)
		},
		"a hard link to root's file":       os.Link,
		"a pipe, at which root would wait": func(_, path string) error { return syscall.Mkfifo(path, 0o600) },
		"a device node or a socket, for a pipe": func(_, path string) error {
			l,
				err := net.Listen("unix", path)
			_ = l
			return err
		},
	} {
		for how, flag := range flags {
			dir := foreign(t)
			secret := filepath.Join(rootsFolder(t, filepath.Dir(dir)), "secret")
			if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "lock")
			if err := plant(secret, path); err != nil {
				t.Fatal(err)
			}
			if err := open(path, flag); err == nil {
				t.Errorf("%s: %s: it was opened", name, how)
			}
			if text, err := os.ReadFile(secret); err != nil || string(text) != "secret" || owner(t, secret) != 0 {
				t.Errorf("%s: %s: root's file is %q of %d, %v", name, how, text, owner(t, secret), err)
			}
			if _, err := os.Lstat(secret + "-none"); err == nil {
				t.Errorf("%s: %s: root made a file elsewhere", name, how)
			}
			// The name of a temporary file is known, and no way in.
			if err := os.Rename(path, path+".tmp"); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(secret, path); err != nil {
				t.Fatal(err)
			}
			if err := files.Replace(files.System, path, []byte("new"), 0o600); err != nil {
				t.Errorf("%s: replacing: %v", name, err)
			}
			if text, err := os.ReadFile(secret); err != nil || string(text) != "secret" || owner(t, secret) != 0 {
				t.Errorf("%s: replacing: root's file is %q of %d, %v", name, text, owner(t, secret), err)
			}
			if text, err := os.ReadFile(path); err != nil || string(text) != "new" || owner(t, path) != somebody {
				t.Errorf("%s: replacing: got %q of %d, %v", name, text, owner(t, path), err)
			}
		}
	}
}

// rootsFolder is on the same file system as the other, for hard links.
func rootsFolder(t *testing.T, beside string) string {
	t.Helper()
	dir, err := os.MkdirTemp(beside, "pw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // of a test
	return dir
}

// In root's own folder, and for everybody else, all is as with os.OpenFile: links are followed.
func TestSystem_ownFolder(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := open(link, os.O_CREATE|os.O_WRONLY); err != nil {
		t.Fatal(err)
	}
	if got := owner(t, target); got != uint32(os.Geteuid()) {
		t.Errorf("got a file of %d, want ours", got)
	}
}

func TestGiveSocket(t *testing.T) {
	listen := func(path string) {
		t.Helper()
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() }) // of a test
	}
	dir := foreign(t)
	path := filepath.Join(dir, "s")
	listen(path)
	if err := files.GiveSocket(path, 0o660); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o660 || owner(t, path) != somebody {
		t.Errorf("got %v of %d, %v, want mode 0660 of %d", info.Mode(), owner(t, path), err, somebody)
	}
	secret := filepath.Join(rootsFolder(t, filepath.Dir(dir)), "secret")
	listen(secret)
	before, err := os.Stat(secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, plant := range map[string]func(string, string) error{"symbolic link": os.Symlink, "hard link": os.Link} {
		planted := filepath.Join(dir, "planted")
		if err := plant(secret, planted); err != nil {
			t.Fatal(err)
		}
		if err := files.GiveSocket(planted, 0o666); err == nil {
			t.Errorf("%s: it was given away", name)
		}
		if after, err := os.Stat(secret); err != nil || after.Mode() != before.Mode() || owner(t, secret) != 0 {
			t.Errorf("%s: root's socket is %v of %d, %v", name, after.Mode(), owner(t, secret), err)
		}
		if err := os.Remove(planted); err != nil {
			t.Fatal(err)
		}
	}
}
