package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"piway/configs"
	"piway/shared/config"
	"piway/shared/files"
)

// A Value is a key of gateway.yaml, dotted, and its value.
type Value struct{ Key, Value string }

// Change sets keys in the configuration and keeps all else. A file that is not there becomes the commented sample. It
// says whether there was something to change. When it returns nil the file is on disk, and a start would take it.
func Change(path string, values []Value) (changed bool, err error) {
	old, err := os.ReadFile(path)
	text := old
	if errors.Is(err, fs.ErrNotExist) {
		text, err = configs.Gateway, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the configuration: %w", err)
	}
	for _, v := range values {
		if text, err = config.SetKey(text, v.Key, v.Value); err != nil {
			return false, fmt.Errorf("%s: %w", path, err)
		}
	}
	if string(text) == string(old) {
		return false, nil
	}
	cfg := Default()
	if err := config.Decode(path, text, &cfg); err != nil {
		return false, err
	}
	if err := files.Rewrite(path, text, 0o644); err != nil { // for all to read; no secret is in it
		return false, NotWritten(err)
	}
	return true, nil
}

// NotWritten is why a configuration could not be written, or cannot be.
func NotWritten(err error) error {
	return config.Try(fmt.Errorf("writing the configuration: %w", err), "sudo -E, or another file with --config")
}
