package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"piway/gateway/queue/store"
	"piway/gateway/queue/wal"
)

// A place is what the store's files were when they were last looked at. What is written to a file that was removed is
// gone with the process; a file put in another's place would be taken for it at the next start.
type place struct {
	files       map[string]fs.FileInfo // by suffix
	checkpoints int                    // then
	log         wal.State              // as SQLite knew it then
}

// remember notes the files as they are. Call it when all connections are open.
func (p *place) remember(path string) {
	p.files = map[string]fs.FileInfo{}
	for _, suffix := range store.Suffixes {
		if info, err := os.Stat(path + suffix); err == nil {
			p.files[suffix] = info
		}
	}
}

// look returns store.ErrAstray if a file was removed, replaced, cut off or copied over since. Only a checkpoint writes
// to the store's own file, or makes one shorter: this process's, which are counted, or another's, which SQLite's index
// of the log shows.
func (p *place) look(path string, checkpoints int, log wal.State) error {
	explained := checkpoints != p.checkpoints || log.Pages < p.log.Pages || log.Moved > p.log.Moved
	for suffix, was := range p.files {
		is, err := os.Stat(path + suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue // that says nothing of the file
		}
		if err := strange(path+suffix, was, is, suffix == "", explained); err != nil {
			return err
		}
		p.files[suffix] = is
	}
	p.checkpoints, p.log = checkpoints, log
	return nil
}

// strange returns store.ErrAstray if what lies at path is not the file that was there, or was changed in a way that
// nothing explains. is is nil where nothing lies there. own says that it is the store's own file, no log of it.
func strange(path string, was, is fs.FileInfo, own, explained bool) error {
	switch {
	case is == nil:
		return fmt.Errorf("%w: %s was removed", store.ErrAstray, path)
	case !os.SameFile(was, is):
		return fmt.Errorf("%w: another file lies at %s", store.ErrAstray, path)
	case explained:
		return nil
	case is.Size() < was.Size():
		return fmt.Errorf("%w: %s was cut off, from %d to %d bytes", store.ErrAstray, path, was.Size(), is.Size())
	case own && !is.ModTime().Equal(was.ModTime()):
		return fmt.Errorf("%w: another program wrote to %s", store.ErrAstray, path)
	default:
		return nil
	}
}
