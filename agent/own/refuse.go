package own

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"piway/shared/files"
	"piway/shared/sample"
)

const refusedSuffix = ".refused"

// tell puts the refusals of a file beside it, or removes what is there no more.
func (f *Folder) tell(e *entry, o Outcome) {
	if f.opt.Quiet {
		return
	}
	text, err := refusalText(o.Refusals)
	if err != nil {
		f.log.Tell(slog.LevelError, e.name, "encoding a refusal failed", "file", e.name, "err", err)
		return
	}
	path := filepath.Join(f.opt.Dir, e.name+refusedSuffix)
	lies, _, err := readPlain(path)
	if is := err == nil; is == (text != "") && string(lies) == text {
		return
	}
	if text == "" {
		f.forget(e.name)
		return
	}
	f.log.Tell(slog.LevelWarn, e.name, "own readings refused", "file", e.name, "reason", o.Refused[0].Reason,
		"first", o.Refused[0].Error)
	if err := put(path, []byte(text)); err != nil {
		f.log.Tell(slog.LevelWarn, e.name, "a refusal cannot be written", "file", e.name, "err", err)
	}
}

// refusalText is what a gateway tells of such refusals, "" for none.
func refusalText(r sample.Refusals) (string, error) {
	if len(r.Refused) == 0 {
		return "", nil
	}
	text, err := sample.Rejection{Refused: r.Refused, More: r.CountRefused() - len(r.Refused)}.JSON()
	return string(text) + "\n", err
}

// forget removes the refusal of a file that has none any more.
func (f *Folder) forget(name string) {
	if f.opt.Quiet {
		return
	}
	err := os.Remove(filepath.Join(f.opt.Dir, name+refusedSuffix))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.log.Tell(slog.LevelWarn, name, "a refusal cannot be removed", "file", name, "err", err)
	}
}

// put gives a file its content by a rename: who reads it finds all or nothing, and what lay there is neither followed
// nor written to. Others may read it.
func put(path string, text []byte) error {
	dir := filepath.Dir(path)
	temp, err := files.Temp(dir, text, func(f *os.File) error {
		return errors.Join(files.OwnLike(f, dir), f.Chmod(0o644))
	})
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		_ = os.Remove(temp) // the first error is the one to tell
		return err
	}
	return nil
}
