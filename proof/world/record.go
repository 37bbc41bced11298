package world

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"piway/localcore/localcore"
)

// A Record is the file in which a localcore records what CloudWatch took, read as it grows.
type Record struct {
	Path string

	read int64
}

// New returns what was recorded since the last call: nothing while there is no file.
func (r *Record) New() (all []localcore.Recorded, err error) {
	f, err := os.Open(r.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.NewSectionReader(f, r.read, 1<<40))
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text[:bytes.LastIndexByte(text, '\n')+1]) {
		var d localcore.Recorded
		if err := json.Unmarshal(line, &d); err != nil {
			return nil, fmt.Errorf("reading the record: %s: %w", line, err)
		}
		all = append(all, d)
		r.read += int64(len(line))
	}
	return all, nil
}
