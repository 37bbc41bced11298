package disk

import (
	"context"
	"fmt"
	"time"

	"piway/gateway/queue/replace"
	"piway/gateway/queue/store"
)

const (
	// copyAfter is how long emptying the log may fail before all is copied; copyAgain how long until that is tried
	// again.
	copyAfter = 10 * time.Second
	copyAgain = time.Minute
	// beatEvery is how often Beat is called while the store is copied.
	beatEvery = 200 * time.Millisecond
)

// mended makes the disk agree with what the connections know. It returns true when that is done.
func (d *Disk) mended(ctx context.Context) bool {
	if d.kind != store.Astray {
		empty := d.log.Empty(ctx)
		if d.cfg.Mono() < d.copyAt {
			if !empty || !d.forgetCopy() {
				return false
			}
			d.mend = false
			return true
		}
	}
	d.moveOut(ctx)
	return false
}

// forgetCopy reports whether no copy can take the place of what is committed from now on.
func (d *Disk) forgetCopy() bool {
	if d.copied && replace.Forget(&d.cfg.Store) != nil {
		return false
	}
	d.copied = false
	return true
}

// moveOut copies the store and ends its use, so that the copy takes its place.
func (d *Disk) moveOut(ctx context.Context) {
	if d.cfg.Mono() < d.copyAt {
		return
	}
	d.cfg.Log.Warn("copying the store into a new file", "file", d.cfg.Store.Path)
	stop := d.keepBeating()
	d.copied = true
	err := replace.Copy(ctx, d.conn, &d.cfg.Store)
	stop()
	d.copyAt = d.cfg.Mono() + copyAgain
	switch {
	case err == nil:
		d.moved = true
		d.cfg.End(replace.ErrCopied)
	case store.TroubleOf(err, d.dir()) == store.Damaged || store.Unreadable(err):
		// It has to be read around what cannot be.
		d.cfg.End(fmt.Errorf("%w: %w", store.ErrDamaged, err))
	default:
		replace.Clear(&d.cfg.Store)
		d.cfg.Log.Error("copying the store failed, trying again", "err", err, "in", copyAgain)
	}
}

// keepBeating calls Beat until stop is called.
func (d *Disk) keepBeating() (stop func()) {
	tick, ended := time.NewTicker(beatEvery), make(chan struct{})
	go func() {
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				d.cfg.Beat()
			case <-ended:
				return
			}
		}
	}()
	return func() { close(ended) }
}
