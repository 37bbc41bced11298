package config

import (
	"fmt"
	"io"
	"os"
)

// readFile reads a file of at most limit bytes; its errors name the path.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Permit(err, path)
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("reading %s: has more than the %d bytes allowed", path, limit)
	}
	return text, err
}
