package spool_test

import (
	"io/fs"
	"slices"
	"sync"

	"piway/shared/files"
)

// A faulty file system is the system's, which fails what it is told to.
type faulty struct {
	mu   sync.Mutex
	fail func(op, path string) error // nil: nothing
}

// op is "open", "write", "sync", "close", "rename", "remove", "mkdir" or "syncdir".
func (f *faulty) ask(op, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail == nil {
		return nil
	}
	return f.fail(op, path)
}

// set has the operations fail with err; without any nothing fails.
func (f *faulty) set(err error, ops ...string) {
	f.setFunc(func(op, _ string) error {
		if slices.Contains(ops, op) {
			return err
		}
		return nil
	})
}

func (f *faulty) setFunc(fail func(op, path string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

func (f *faulty) OpenFile(name string, flag int, perm fs.FileMode) (files.File, error) {
	if err := f.ask("open", name); err != nil {
		return nil, err
	}
	file, err := files.System.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return faultyFile{file, f, name}, nil
}

func (f *faulty) Mkdir(name string, perm fs.FileMode) error {
	if err := f.ask("mkdir", name); err != nil {
		return err
	}
	return files.System.Mkdir(name, perm)
}

func (f *faulty) Rename(from, to string) error {
	if err := f.ask("rename", to); err != nil {
		return err
	}
	return files.System.Rename(from, to)
}

func (f *faulty) Remove(name string) error {
	if err := f.ask("remove", name); err != nil {
		return err
	}
	return files.System.Remove(name)
}

func (f *faulty) SyncDir(name string) error {
	if err := f.ask("syncdir", name); err != nil {
		return err
	}
	return files.System.SyncDir(name)
}

type faultyFile struct {
	files.File
	f    *faulty
	name string
}

func (f faultyFile) Write(p []byte) (int, error) {
	if err := f.f.ask("write", f.name); err != nil {
		n, _ := f.File.Write(p[:len(p)/2]) // a torn line
		return n, err
	}
	return f.File.Write(p)
}

func (f faultyFile) Read(p []byte) (int, error) {
	if err := f.f.ask("read", f.name); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

func (f faultyFile) Sync() error {
	if err := f.f.ask("sync", f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f faultyFile) Close() error {
	err := f.f.ask("close", f.name)
	if closeErr := f.File.Close(); err == nil {
		err = closeErr
	}
	return err
}
