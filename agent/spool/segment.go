package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"piway/shared/files"
	"piway/shared/sample"
)

// A segment is a row of reports: in memory, in a file, or both. All but the last are sealed: nothing is added to them.
//
// Only what is kept in a file and sealed, behind an fsync of the file and of the folder, may be in the file alone. So
// whatever a disk says of the rest, it is still in memory.
type segment struct {
	number uint64 // leads the positions of the reports
	path   string // of its file; "" while it never had one
	kept   bool   // the file holds all of it, as far as is known; else what may be there counts for nothing
	anew   bool   // an earlier process wrote the file last, maybe into the kernel's memory only
	file   files.File
	dirty  bool        // something was written to it since the last fsync
	info   fs.FileInfo // of the file, to know it again
	size   int64       // of the file; while nothing is kept, about what it would be
	// written is when; retryAt when the file is tried again that could not be read, zero if it can.
	written, retryAt time.Time

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
	// unfinished is the end of the name of a file that a killed process was writing.
	unfinished = suffix + ".tmp"
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
func (g *segment) load(in files.FS) (damaged int, err error) {
	f, err := in.OpenFile(g.path, os.O_RDONLY, 0)
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
	g.known()
	return damaged, nil
}

// known notes which file it is that bears the name.
func (g *segment) known() { g.info, _ = os.Lstat(g.path) }

// strange reports whether the file is gone, or another one bears its name.
func (g *segment) strange() bool {
	info, err := os.Lstat(g.path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return g.info != nil && !os.SameFile(info, g.info)
}

// encode returns the lines of all that is in memory, one a report.
func (g *segment) encode() ([]byte, error) {
	var text []byte
	for _, r := range g.reports {
		line, err := encodeLine(r)
		if err != nil {
			return nil, err
		}
		text = append(text, line...)
	}
	return text, nil
}

// append writes a line of what is in memory already.
func (g *segment) append(r sample.Report) error {
	line, err := encodeLine(r)
	if err != nil {
		return err
	}
	if _, err := g.file.Write(line); err != nil {
		return err
	}
	g.size += int64(len(line))
	g.written, g.dirty = time.Now(), true
	return nil
}

// close ends writing to the file; nil means that what is in it is on the disk.
func (g *segment) close() error {
	if g.file == nil {
		return nil
	}
	f := g.file
	g.file, g.dirty = nil, false
	return errors.Join(f.Sync(), f.Close())
}

// distrust forgets the file, of which nobody can say what it holds: what is in memory counts.
func (g *segment) distrust() {
	if g.file != nil {
		_ = g.file.Close() // whatever it says
		g.file = nil
	}
	g.kept, g.anew, g.dirty = false, false, false
}

// unload gives the memory back of what is in the file, unless some of it was handed out: that is acknowledged in
// memory.
func (g *segment) unload() {
	if g.sealed && g.kept && !g.anew && g.handed <= g.first && len(g.acked) == 0 {
		g.loaded, g.reports = false, nil
	}
}

// remove takes the file away.
func (g *segment) remove(in files.FS) error {
	g.distrust()
	if g.path == "" {
		return nil
	}
	if err := in.Remove(g.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// listSegments returns the files of a folder that earlier runs left, oldest first, the number of the last, and the
// names of files that were never finished.
func listSegments(dir string) (list []*segment, last uint64, torn []string, err error) {
	entries, err := os.ReadDir(dir) // by name, which is by number
	if err != nil {
		return nil, 0, nil, err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		if strings.HasSuffix(e.Name(), unfinished) {
			torn = append(torn, filepath.Join(dir, e.Name()))
			continue
		}
		name, ok := strings.CutSuffix(e.Name(), suffix)
		number, err := strconv.ParseUint(name, 10, 63)
		if !ok || err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, 0, nil, err
		}
		last = max(last, number)
		list = append(list, &segment{
			path: filepath.Join(dir, e.Name()), kept: true, size: info.Size(), written: info.ModTime(), sealed: true,
		})
	}
	return list, last, torn, nil
}
