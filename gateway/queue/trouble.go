package queue

import (
	"errors"
	"fmt"
	"path/filepath"

	"piway/gateway/queue/disk"
	"piway/gateway/queue/store"

	"piway/gateway/pass"
)

// IsTrouble reports whether err, of anything in the data folder dir, comes from its disk and not from a mistake of the
// user, so that trying again later can help; and what the operator can do.
func IsTrouble(err error, dir string) (fix string, ok bool) { return disk.IsTrouble(err, dir) }

// notice ends Run if what a reader met means that the store has to be opened anew.
func (q *Queue) notice(err error) {
	if err == nil || errors.Is(err, pass.ErrNone) || errors.Is(err, ErrClosed) {
		return
	}
	switch store.TroubleOf(err, filepath.Dir(q.cfg.Path)) { //nolint:exhaustive // a reader needs no room
	case store.Damaged:
		q.fail(fmt.Errorf("%w: %w", store.ErrDamaged, err))
	case store.Failing, store.Unknown:
		q.fail(fmt.Errorf("%w: %w", store.ErrDisk, err))
	}
}

// fail makes Run end with the first error it is given.
func (q *Queue) fail(err error) {
	select {
	case q.sick <- err:
	default:
	}
}
