package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

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
	if err := files.Rewrite(path, text, 0o644); err != nil { // for all to read; no secret is in it
		return false, notWritten(err)
	}
	return true, nil
}

// notWritten is why a configuration could not be written, or cannot be.
func notWritten(err error) error {
	return config.Try(fmt.Errorf("writing the configuration: %w", err), "sudo -E, or another file with --config")
}
