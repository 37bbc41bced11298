package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"piway/configs"
	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/files"
)

// A setting is a key of gateway.yaml and its value.
type setting struct{ key, value string }

// configure sets keys in the configuration and keeps all else. A file that is not there becomes the commented sample.
// It says whether there was something to change. When it returns nil the file is on disk, and a start would take it.
func configure(path string, values []setting) (changed bool, err error) {
	old, err := os.ReadFile(path)
	text := old
	if errors.Is(err, fs.ErrNotExist) {
		text, err = configs.Gateway, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the configuration: %w", err)
	}
	for _, s := range values {
		if text, err = config.SetKey(text, s.key, s.value); err != nil {
			return false, fmt.Errorf("%s: %w", path, err)
		}
	}
	if string(text) == string(old) {
		return false, nil
	}
	cfg := settings.Default()
	if err := config.Decode(path, text, &cfg); err != nil {
		return false, err
	}
	if err := replaceFile(path, text); err != nil {
		return false, config.Try(fmt.Errorf("writing the configuration: %w", err), "sudo -E, or another file with --config")
	}
	return true, nil
}

// replaceFile makes text the content of path, or leaves the old one. Mode and owner stay, and a link goes on pointing
// there.
func replaceFile(path string, text []byte) (err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a configuration is for all to read; no secret is in it
		return err
	}
	f, err := os.CreateTemp(dir, ".gateway-*.yaml")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error is the one to tell
		}
	}()
	_, werr := f.Write(text)
	if err := errors.Join(werr, likeOld(f, path), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// canWrite says whether a configuration at path could be replaced.
func canWrite(path string) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	err := os.MkdirAll(filepath.Dir(path), 0o755) //nolint:gosec // a configuration is for all to read; no secret is in it
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(filepath.Dir(path), ".gateway-*.yaml"); err == nil {
			return errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	return config.Try(fmt.Errorf("writing the configuration: %w", err), "sudo -E, or another file with --config")
}

// likeOld gives the new file the mode and owner of the one at path, or what a configuration has.
func likeOld(f *os.File, path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.Join(files.OwnLike(f, filepath.Dir(path)), f.Chmod(0o644)) // for all to read; no secret is in it
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
