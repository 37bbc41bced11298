package world

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// InFolder calls f with a folder of its own, in which its log is, as the file "log". The folder is removed, but stays
// if f fails or keep is set, and out is told where it is. With verbose the log goes to out as well.
func InFolder(name string, keep, verbose bool, out io.Writer, f func(dir string, log *Log) error) (err error) {
	dir, err := os.MkdirTemp("", "piway-"+name+"-")
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer func() {
		_ = file.Close() // for who looks on
		if err == nil && !keep {
			_ = os.RemoveAll(dir) // what is left is harmless
			return
		}
		_, _ = fmt.Fprintf(out, "kept: %s\n", dir)
	}()
	var to io.Writer = file
	if verbose {
		to = io.MultiWriter(file, out)
	}
	return f(dir, NewLog(to))
}

// A Log is what all programs of a proof say, a line behind another. Its methods are safe for concurrent use.
type Log struct {
	mu sync.Mutex // guards to
	to io.Writer
}

// NewLog returns one that goes there.
func NewLog(to io.Writer) *Log { return &Log{to: to} }

// Of returns where somebody of this name writes: each line is shown behind the time and the name.
func (l *Log) Of(name string) io.Writer { return voice{l, name} }

type voice struct {
	log  *Log
	name string
}

func (v voice) Write(text []byte) (int, error) {
	v.log.mu.Lock()
	defer v.log.mu.Unlock()
	for line := range bytes.Lines(text) {
		if _, err := fmt.Fprintf(v.log.to, "%s %s: %s\n", time.Now().Format("15:04:05.000"), v.name,
			bytes.TrimRight(line, "\r\n")); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}
