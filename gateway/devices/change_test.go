package devices_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"piway/gateway/devices"
	"piway/shared/files"
)

// A faulty file system fails what it is told to.
type faulty struct {
	files.FS
	fail map[string]error // by what is asked: "open", "sync", "rename", "syncdir"
	once bool             // only the first time
}

type faultyFile struct {
	files.File
	f *faulty
}

func (f *faulty) OpenFile(name string, flag int, perm fs.FileMode) (files.File, error) {
	if err := f.fail["open"]; err != nil && flag&os.O_CREATE != 0 {
		return nil, err
	}
	file, err := f.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return faultyFile{file, f}, nil
}

func (f *faulty) Rename(from, to string) error {
	if err := f.fail["rename"]; err != nil {
		return err
	}
	return f.FS.Rename(from, to)
}

func (f *faulty) SyncDir(name string) error {
	if err := f.fail["syncdir"]; err != nil {
		if f.once {
			f.fail = nil
		}
		return err
	}
	return f.FS.SyncDir(name)
}

func (f faultyFile) Sync() error {
	if err := f.f.fail["sync"]; err != nil {
		return err
	}
	return f.File.Sync()
}

// broken returns a list with the device kitchen, on a file system that fails what is asked.
func broken(t *testing.T, what string, err error) (path string, l *devices.List, password string, f *faulty) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "devices.json")
	f = &faulty{FS: files.System, fail: map[string]error{}}
	l, openErr := devices.OpenIn(f, path)
	if openErr != nil {
		t.Fatal(openErr)
	}
	password = add(t, l, "kitchen")
	f.fail[what] = err
	return path, l, password, f
}

func names(l *devices.List) string {
	var all []string
	for _, d := range l.All() {
		all = append(all, d.Name)
	}
	return strings.Join(all, " ")
}

var failures = map[string]error{
	"open": syscall.EMFILE, "sync": syscall.EIO, "rename": syscall.EROFS,
	"syncdir": syscall.EIO,
}

// A device that may not be on the disk has no password, and is not let in. What was made of the file meanwhile is
// undone.
func TestList_Add_cannotWrite(t *testing.T) {
	for what, err := range failures {
		t.Run(what, func(t *testing.T) {
			path, l, password, f := broken(t, what, err)
			got, addErr := l.Add("attic", false)
			if got != "" || !errors.Is(addErr, err) || errors.Is(addErr, files.ErrUnsure) != (what == "syncdir") {
				t.Errorf("got %q, %v", got, addErr)
			}
			if l.Has("attic") || !l.Authenticate("kitchen", password, true) {
				t.Errorf("on the list: %s", names(l))
			}
			if got := names(open(t, path)); got != "kitchen" {
				t.Errorf("in the file: %s", got)
			}
			if err := l.Save(); err == nil {
				t.Error("saving: got no error while the disk fails")
			}
			f.fail = nil
			add(t, l, "attic")
			if got := names(open(t, path)); got != "attic kitchen" {
				t.Errorf("in the file, when the disk is well again: %s", got)
			}
		})
	}
}

// A removed device is locked out at once, whatever the disk does, and that goes to the disk as soon as it can.
func TestList_Remove_cannotWrite(t *testing.T) {
	for what, err := range failures {
		t.Run(what, func(t *testing.T) {
			path, l, password, f := broken(t, what, err)
			for range 2 { // the second time it is not on the list any more, and not gone either
				if got := l.Remove("kitchen"); !errors.Is(got, devices.ErrUnsaved) || !errors.Is(got, err) {
					t.Errorf("got %v, want ErrUnsaved and %v", got, err)
				}
			}
			if l.Has("kitchen") || l.Authenticate("kitchen", password, true) {
				t.Error("a removed device is let in")
			}
			if what != "syncdir" { // the stages are opened anew in the same process
				again := open(t, path)
				again.Inherit(l)
				if again.Has("kitchen") || again.Authenticate("kitchen", password, true) {
					t.Error("a removed device is let in after the list was opened again")
				}
			}
			f.fail = nil
			if err := l.Save(); err != nil {
				t.Error(err)
			}
			if got := names(open(t, path)); got != "" {
				t.Errorf("in the file, when the disk is well again: %s", got)
			}
			if err := l.Remove("kitchen"); !errors.Is(err, devices.ErrUnknown) {
				t.Errorf("got %v, want ErrUnknown", err)
			}
		})
	}
}

// What a list inherits is what was removed, not who got its name anew.
func TestList_Inherit(t *testing.T) {
	path, l, _, _ := broken(t, "open", syscall.ENOSPC)
	if err := l.Remove("kitchen"); err == nil || !strings.Contains(err.Error(), "try: make room") {
		t.Errorf("got %v, want what to do", err)
	}
	other := open(t, path)
	if err := other.Remove("kitchen"); err != nil {
		t.Fatal(err)
	}
	password := add(t, other, "kitchen")
	again := open(t, path)
	again.Inherit(nil)
	again.Inherit(l)
	if !again.Authenticate("kitchen", password, true) {
		t.Error("a device that was added anew is not let in")
	}
}

// A folder whose entries cannot be synced on this file system is no error: there is no better promise to be had.
func TestList_noFolderSync(t *testing.T) {
	for _, err := range []error{syscall.EINVAL, syscall.ENOTSUP} {
		_, l, _, _ := broken(t, "syncdir", fmt.Errorf("fsync: %w", err))
		add(t, l, "attic")
	}
}

// A folder that could not be synced once is given a new file, and no device is refused for it.
func TestList_secondTry(t *testing.T) {
	path, l, _, f := broken(t, "syncdir", syscall.EIO)
	f.once = true
	add(t, l, "attic")
	if got := names(open(t, path)); got != "attic kitchen" {
		t.Errorf("in the file: %s", got)
	}
}

// What happens to the file under a running gateway: memory is the truth, but for a list that somebody else put there.
func TestList_changedByOthers(t *testing.T) {
	other := `{"devices":[{"name":"cellar","sha256":"` + strings.Repeat("0", 64) + `"}]}`
	for name, tt := range map[string]struct {
		text    string
		gone    bool
		refused bool
	}{
		"gone":    {gone: true},
		"empty":   {text: ""},
		"cut off": {text: other[:40]},
		"another": {text: other, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			path, l, password, _ := broken(t, "", nil)
			err := os.Remove(path)
			if !tt.gone {
				err = os.WriteFile(path, []byte(tt.text), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Save(); errors.Is(err, devices.ErrChanged) != tt.refused {
				t.Errorf("saving: got %v", err)
			}
			if !tt.refused {
				if !open(t, path).Authenticate("kitchen", password, true) {
					t.Error("the list in memory was not written")
				}
				return
			}
			if _, err := l.Add("attic", false); !errors.Is(err, devices.ErrChanged) || l.Has("attic") {
				t.Errorf("adding: got %v", err)
			}
			if err := l.Remove("kitchen"); !errors.Is(err, devices.ErrChanged) || !errors.Is(err, devices.ErrUnsaved) ||
				l.Has("kitchen") {
				t.Errorf("removing: got %v", err)
			}
			if got := names(open(t, path)); got != "cellar" {
				t.Errorf("the other list was overwritten: %s", got)
			}
		})
	}
}

// What is opened may be in the kernel's memory only. It is written anew as it is, once, though a newer version wrote
// it.
func TestList_Save_anew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "devices.json")
	text := `{"devices": [{"name":"cellar","sha256":"` + strings.Repeat("0", 64) + `","pin":"1"}], "version": 2}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, path)
	var last os.FileInfo
	for i, wantNew := range []bool{false, true, false} {
		if i > 0 {
			if err := l.Save(); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if last != nil && os.SameFile(info, last) == wantNew {
			t.Errorf("look %d: got a new file %t, want %t", i, !wantNew, wantNew)
		}
		last = info
	}
	if got, err := os.ReadFile(path); string(got) != text {
		t.Errorf("got %s, %v", got, err)
	}
}

// What earlier versions left beside the list when they were killed goes, and nothing else.
func TestList_leftovers(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".devices-123", "devices.json.tmp", ".devices"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("left"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	add(t, open(t, filepath.Join(dir, "devices.json")), "kitchen")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 || entries[0].Name() != ".devices" || entries[1].Name() != "devices.json" {
		t.Errorf("got %v, %v", entries, err)
	}
}
