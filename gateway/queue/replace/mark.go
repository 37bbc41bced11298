package replace

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"piway/gateway/queue/store"
	"piway/shared/files"
)

// A mark beside the store tells the next Open what to do before it trusts it.
const (
	markSuffix  = ".suspect"
	markCheck   = "check"   // read all of it; perhaps with the number of times that this has failed
	markSalvage = "salvage" // it is damaged
	// salvageAfter is how often reading a store must have failed before what can be read of it is taken: over a
	// minute, with the pauses between two tries. An error that passes costs nothing then.
	salvageAfter = 6
)

// setMark is best effort: without it the next Open finds out by itself, or the next use does.
func setMark(path, mark string) {
	f, err := files.System.OpenFile(path+markSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = f.Write([]byte(mark)) // best effort
	_ = f.Close()
}

func readMark(path string) (mark string, failed int) {
	text, err := os.ReadFile(path + markSuffix)
	if err != nil {
		return "", 0
	}
	mark, times, _ := strings.Cut(string(text), " ")
	failed, _ = strconv.Atoi(times) // 0 for none
	return mark, failed
}

func unmark(path, mark string) error {
	if err := os.Remove(path + markSuffix); err != nil && (mark != "" || !errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	return nil
}

// Suspect leaves the mark that an error asks for of which the use of the store at path ended.
func Suspect(path string, err error) {
	switch {
	case errors.Is(err, ErrCopied): // the copy is sound
	case errors.Is(err, store.ErrDamaged):
		setMark(path, markSalvage)
	case errors.Is(err, store.ErrDisk):
		setMark(path, markCheck)
	}
}
