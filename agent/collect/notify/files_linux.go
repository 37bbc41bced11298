package notify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// rest is the shortest time between two looks. What comes and goes within it is not seen.
const rest = 10 * time.Millisecond

// Files calls changed, never twice at once, at the start and whenever the content of one of these files may have
// changed, until ctx ends: then it returns its error. It is not a change that wakes it every time, so changed must
// compare. Read is for one of the files and works as [ReadFile]; it must not be used after changed has returned.
//
// Any other error means that nothing more would be told: a file of the kernel is gone, or something cannot be watched.
func Files(ctx context.Context, paths []string, changed func(read func(path string) (string, error))) error {
	w := &watch{changed: changed, telling: map[string]*os.File{}}
	defer w.close()
	if err := w.open(paths); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, file := range w.files {
		group.Go(func() error { return w.wait(ctx, file) })
	}
	return group.Wait()
}

// A watch is what is waited for.
type watch struct {
	plain   []string            // those that do not tell by themselves
	inotify *os.File            // tells of those; nil if there are none
	telling map[string]*os.File // those that do
	files   []*os.File          // all that tell

	mu      sync.Mutex // of all that follows
	changed func(read func(path string) (string, error))
	looked  time.Time
	gone    error // why the first file that is gone could not be read
}

// open opens what tells by itself and begins to watch the rest.
func (w *watch) open(paths []string) error {
	for _, path := range paths {
		file, err := openTelling(path)
		if err != nil {
			return err
		}
		if file == nil {
			w.plain = append(w.plain, path)
			continue
		}
		w.telling[path] = file
		w.files = append(w.files, file)
	}
	if w.plain == nil {
		return nil
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return fmt.Errorf("opening inotify: %w", err)
	}
	w.inotify = os.NewFile(uintptr(fd), "inotify")
	w.files = append(w.files, w.inotify)
	return w.watchPlain()
}

func (w *watch) close() {
	for _, file := range w.files {
		_ = file.Close() // only read from
	}
}

// wait looks at the start and whenever file tells, until ctx ends or nothing more can be told.
func (w *watch) wait(ctx context.Context, file *os.File) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = file.SetReadDeadline(time.Unix(1, 0)) })() // it is one of Go's poller
	var failed error
	err = raw.Read(func(uintptr) (done bool) {
		failed = w.look(ctx)
		return failed != nil
	})
	switch {
	case failed != nil:
		return failed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("waiting for a change: %w", err)
}

// look has changed look at the files, but not sooner than that may be.
func (w *watch) look(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := sleepUntil(ctx, w.looked.Add(rest)); err != nil {
		return err
	}
	w.looked = time.Now()
	if w.inotify != nil {
		if err := w.again(); err != nil {
			return err
		}
	}
	w.changed(w.read)
	return w.gone
}

// read reads a file, through the descriptor that is waited for if there is one.
func (w *watch) read(path string) (string, error) {
	file := w.telling[path]
	if file == nil {
		return ReadFile(path)
	}
	text, err := readAt(file)
	if err != nil && w.gone == nil {
		w.gone = err
	}
	return text, err
}

// changes of a plain file, and of its folder.
const (
	fileChanges   = unix.IN_MODIFY | unix.IN_CLOSE_WRITE
	folderChanges = unix.IN_MODIFY | unix.IN_CLOSE_WRITE | unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_TO |
		unix.IN_MOVED_FROM | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR
)

// again forgets what inotify has told, and watches files anew that were replaced.
func (w *watch) again() error {
	raw, err := w.inotify.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = drain(int(fd)) })
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("reading inotify: %w", err)
	}
	return w.watchPlain()
}

// watchPlain watches what does not tell by itself. The same watch twice is one. The file itself counts too, because a
// bind mount has another folder.
func (w *watch) watchPlain() error {
	raw, err := w.inotify.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		for _, path := range w.plain {
			folder := filepath.Dir(path)
			if _, err := unix.InotifyAddWatch(int(fd), folder, folderChanges); err != nil {
				failed = fmt.Errorf("watching %s: %w", folder, err)
			}
			_, _ = unix.InotifyAddWatch(int(fd), path, fileChanges) // one that is missing is seen in its folder
		}
	})
	return errors.Join(err, failed)
}

// drain reads and forgets what inotify told.
func drain(fd int) error {
	var events [4 << 10]byte
	for {
		_, err := unix.Read(fd, events[:])
		if errors.Is(err, unix.EAGAIN) {
			return nil
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// sleepUntil sleeps until then, or until ctx ends, whose error it returns.
func sleepUntil(ctx context.Context, then time.Time) error {
	left := time.Until(then)
	if left <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// openTelling opens a file that tells by poll when it changes. It returns nil for others, and for one that is missing.
func openTelling(path string) (*os.File, error) {
	var system unix.Statfs_t
	switch err := unix.Statfs(path, &system); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	if kind := int64(system.Type); kind != unix.SYSFS_MAGIC && kind != unix.PROC_SUPER_MAGIC {
		return nil, nil
	}
	fd, err := open(path)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil // for Go's poller, because it does not block
}

// readAt reads a file that is open, from its start.
func readAt(file *os.File) (text string, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return "", err
	}
	if outer := raw.Control(func(fd uintptr) { text, err = readFD(int(fd), file.Name()) }); outer != nil {
		return "", outer
	}
	return text, err
}
