package forward

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// progressEvery is how often a backlog is told of while it is being sent.
const progressEvery = 30 * time.Second

// A Backlog is what waits beside the live data.
type Backlog struct {
	// Windows that are closed and not all acknowledged. One or two are no backlog.
	Windows int `json:"windows"`
	// Oldest is the start of the oldest.
	Oldest time.Time `json:"oldest,omitzero"`
	// Left is the time that it will take at the pace of the last half minute or more; 0 if that is not known.
	Left time.Duration `json:"left,omitzero"`
}

// progress tells how a backlog is getting less, by the monotonic clock. One goroutine uses it.
type progress struct {
	store Store
	log   *slog.Logger

	last    time.Time // when it was last looked at
	windows int       // then
	sending bool

	left atomic.Int64 // the last estimate, a time.Duration; read by others
}

// look logs at most every half minute, and once when the backlog is gone.
func (p *progress) look(ctx context.Context) {
	since := time.Since(p.last)
	if since < progressEvery {
		return
	}
	b, err := readBacklog(ctx, p.store)
	if err != nil {
		p.log.Error("reading the backlog failed", "err", err)
		return
	}
	gone := p.windows - b.Windows
	p.left.Store(0)
	switch {
	case b.Windows > 2:
		if p.sending && gone > 0 {
			b.Left = time.Duration(float64(since) / float64(gone) * float64(b.Windows)).Round(time.Second)
			p.left.Store(int64(b.Left))
		}
		p.log.Info("sending a backlog; live data goes first", "windows", b.Windows, "oldest",
			b.Oldest.UTC().Format(time.RFC3339), "left", b.Left)
	case p.sending:
		p.log.Info("the backlog is sent")
	}
	p.last, p.windows, p.sending = time.Now(), b.Windows, b.Windows > 2
}

// backlog returns what waits now, with the last estimate.
func (p *progress) backlog(ctx context.Context) (Backlog, error) {
	b, err := readBacklog(ctx, p.store)
	b.Left = time.Duration(p.left.Load())
	return b, err
}

func readBacklog(ctx context.Context, store Store) (b Backlog, err error) {
	var oldest int64
	if b.Windows, oldest, err = store.Backlog(ctx); err == nil && b.Windows > 0 {
		b.Oldest = time.Unix(oldest, 0)
	}
	return b, err
}
