package spool

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"piway/shared/sample"
)

// A segment is a row of reports: in memory, in a file, or both. All but the last are sealed: nothing is added to them.
type segment struct {
	number  uint64 // leads the positions of the reports
	path    string // "" while there is no file
	file    *os.File
	size    int64 // of the file; while there is none, about what it would be
	written time.Time

	// reports are all of the segment from the index first on; those before are acknowledged or dropped.
	reports []sample.Report
	first   int
	base    int // index of the file's first report
	loaded  bool
	handed  int          // reports below this index were handed out, and never change again
	acked   map[int]bool // indexes from first on
	sealed  bool
	limits  *sample.Limits // of its reports
}

const (
	// segmentBytes is what a file may grow to: what is given up at once, and about what is in memory of a backlog.
	segmentBytes = 1 << 20
	// indexBits of a position are the index in the segment, counted from 1.
	indexBits = 20
	maxIndex  = 1<<indexBits - 2

	suffix = ".spool"
)

func (g *segment) position(index int) uint64 {
	return g.number<<indexBits | uint64(index+1) //nolint:gosec // an index is not negative
}

// end is the index behind the last report.
func (g *segment) end() int { return g.first + len(g.reports) }

// at returns a report that is loaded.
func (g *segment) at(index int) *sample.Report { return &g.reports[index-g.first] }

// ack forgets a report and, with it, those before it that nobody needs any more.
func (g *segment) ack(index int) {
	if index < g.first || index >= g.end() {
		return
	}
	if g.acked == nil {
		g.acked = map[int]bool{}
	}
	g.acked[index] = true
	for g.acked[g.first] && len(g.reports) > 0 {
		delete(g.acked, g.first)
		g.reports[0] = sample.Report{}
		g.reports = g.reports[1:]
		g.first++
	}
}

// waiting is how many reports are not acknowledged, as far as they are loaded.
func (g *segment) waiting() int { return len(g.reports) - len(g.acked) }

// done reports whether nothing of the segment is needed any more.
func (g *segment) done() bool { return g.loaded && len(g.reports) == 0 }

// load reads the file. It returns how many lines are damaged.
func (g *segment) load() (damaged int, err error) {
	f, err := os.Open(g.path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // only read
	reports, damaged, err := readLines(f)
	if err != nil {
		return damaged, err
	}
	g.loaded = true
	g.first = min(g.first, g.base+len(reports))
	g.reports = reports[g.first-g.base:]
	return damaged, nil
}

// unload gives the memory back of what is in the file.
func (g *segment) unload() {
	if g.path != "" && g.sealed {
		g.loaded, g.reports = false, nil
	}
}

// save makes the file, with all that is in memory.
func (g *segment) save(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	size := g.size
	g.path, g.file, g.size, g.base = path, f, 0, g.first
	for _, r := range g.reports {
		if err := g.append(r); err != nil {
			_ = g.remove() // the first error is the one to tell
			g.path, g.size = "", size
			return err
		}
	}
	return nil
}

// append writes a line. After an error the file is as it was, unless even that fails; then the torn line is cut off by
// whoever reads it.
func (g *segment) append(r sample.Report) error {
	line, err := encodeLine(r)
	if err != nil {
		return err
	}
	if _, err := g.file.Write(line); err != nil {
		_ = g.file.Truncate(g.size) // the first error is the one to tell
		return err
	}
	g.size += int64(len(line))
	g.written = time.Now()
	return nil
}

// close ends writing to the file, what is in it being on the disk.
func (g *segment) close() error {
	if g.file == nil {
		return nil
	}
	f := g.file
	g.file = nil
	if err := f.Sync(); err != nil {
		_ = f.Close() // the first error is the one to tell
		return err
	}
	return f.Close()
}

// remove takes the file away.
func (g *segment) remove() error {
	if g.file != nil {
		_ = g.file.Close() // its content is not wanted any more
		g.file = nil
	}
	if g.path == "" {
		return nil
	}
	return os.Remove(g.path)
}

// listSegments returns the files of a folder that earlier runs left, oldest first, and the number of the last.
func listSegments(dir string) (list []*segment, last uint64, err error) {
	entries, err := os.ReadDir(dir) // by name, which is by number
	if err != nil {
		return nil, 0, err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		number, err := strconv.ParseUint(name, 10, 63)
		if !ok || err != nil || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, 0, err
		}
		last = max(last, number)
		list = append(list, &segment{
			number: uint64(len(list) + 1), path: filepath.Join(dir, e.Name()), size: info.Size(), written: info.ModTime(), sealed: true,
		})
	}
	return list, last, nil
}
