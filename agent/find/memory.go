package find

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"piway/shared/config"
	"piway/shared/files"
	"piway/shared/pki"
)

// A memory is what outlives the process: where the gateway was, and that TLS was spoken with it. Whatever is in the
// file, that it is there says the latter.
type memory struct {
	Address string `json:"address"`
	// Addresses are those of the configuration then. Who changes them wants another place to be tried first.
	Addresses []string  `json:"configured"`
	Pins      []pki.Sum `json:"pins"`
}

// maxMemory bounds the file: some addresses of 253 bytes and pins.
const maxMemory = 16 << 10

// recall reads what keep wrote. What cannot be read is forgotten.
func recall(path string) (m memory, there bool) {
	if path == "" {
		return m, false
	}
	f, err := os.Open(path)
	if err != nil {
		_, err = os.Lstat(path) // who may not even look has another configuration
		return m, err == nil
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, maxMemory))
	if err != nil || json.Unmarshal(text, &m) != nil {
		return memory{}, true
	}
	return m, true
}

// keep returns nil when the memory is on disk.
func (m memory) keep(path string) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := files.System.Mkdir(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return files.Replace(files.System, path, append(text, '\n'), 0o640)
}

// last is the address, if it was found with the same configuration.
func (m memory) last(configured []string) string {
	if !slices.Equal(m.Addresses, configured) {
		return ""
	}
	return m.Address
}

func (m memory) same(as memory) bool {
	return m.Address == as.Address && slices.Equal(m.Addresses, as.Addresses) && slices.Equal(m.Pins, as.Pins)
}

// ErrPlain is the refusal to speak without TLS again.
var ErrPlain = errors.New("this agent has spoken TLS with its gateway, and does not go back to plain MQTT by itself")

// plain is ErrPlain with what to do.
func (m memory) plain(path string) error {
	try := "piway-agent join TOKEN"
	if len(m.Pins) > 0 {
		try = fmt.Sprintf("gateway.pins: [%q] again, or %s", m.Pins[0], try)
	}
	return config.Try(config.Errorf("gateway.pins", "is empty: %w", ErrPlain), try+"; if it shall send in clear from now "+
		"on, remove "+path)
}
