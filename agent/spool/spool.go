package spool

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"piway/shared/files"
	"piway/shared/sample"
)

// Config says where and how much is kept.
type Config struct {
	// Run names this process; the spool numbers its reports from 1.
	Run string
	// Dir is the folder for the files; "" keeps all in memory.
	Dir string
	// After is how long what waits stays in memory while nothing is acknowledged.
	After time.Duration
	// MaxBytes and MaxAge bound the files, MaxReports what is in memory only.
	MaxBytes   int64
	MaxAge     time.Duration
	MaxReports int
	// ClockRight reports whether this machine's clock is to be believed; nil means always. While it is not, nothing is
	// too old.
	ClockRight func() bool
	// FS is where the files are; nil means files.System.
	FS files.FS
	// Log must be set.
	Log *slog.Logger
}

// A Spool is a first-in first-out store of reports. It may be used from several goroutines.
type Spool struct {
	cfg Config

	mu       sync.Mutex // guards what follows
	segments []*segment // oldest first; the last one takes what is read
	number   uint64     // of the last segment
	seq      int64
	limits   sample.Limits // of a report that is handed out
	dropped  int
	full     bool      // something was dropped, and that is told
	quiet    time.Time // since when nothing is acknowledged of what waits in memory
	disk     disk
	again    []uint64          // positions of parts that go before all else, see Split
	ahead    map[uint64]uint64 // those of it that went, on this connection, and after which position the reader stood
	changed  chan struct{}     // closed and replaced at every change
}

// Open returns a spool with what earlier processes left in the folder. A folder that cannot be used is no error: that
// is told, and all is kept in memory.
func Open(cfg Config) *Spool {
	if cfg.FS == nil {
		cfg.FS = files.System
	}
	s := &Spool{
		cfg: cfg, limits: sample.MaxLimits(), ahead: map[uint64]uint64{}, quiet: time.Now(),
		changed: make(chan struct{}),
	}
	s.mu.Lock() // a timer may need it
	defer s.mu.Unlock()
	s.openDisk()
	s.begin()
	s.followUp()
	return s
}

// begin appends a new segment in memory.
func (s *Spool) begin() *segment {
	s.number++
	g := &segment{number: s.number, loaded: true, limits: &s.limits}
	s.segments = append(s.segments, g)
	return g
}

func (s *Spool) last() *segment { return s.segments[len(s.segments)-1] }

// Add keeps a reading until it is acknowledged. The spool numbers it, and owns its samples from now on.
func (s *Spool) Add(reading sample.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.empty() {
		s.quiet = time.Now()
	}
	reading.Run, reading.Local, reading.Attributes = s.cfg.Run, nil, nil // those are never kept
	for _, part := range cut(reading, s.limits) {                        // mostly one
		s.add(part)
	}
	s.work()
	s.wake()
}

// add keeps a reading that is within the limits.
func (s *Spool) add(reading sample.Report) {
	g := s.last()
	onDisk := g.file != nil
	if g.size >= segmentBytes || g.end() >= maxIndex {
		s.seal(g)
		g = s.begin()
	}
	line := s.put(g, reading)
	switch {
	case g.file != nil:
		s.write(g, line)
	case onDisk && !s.disk.failed:
		s.spill() // the disk took the segment before it
	}
}

// open returns the report that the reading is to become a part of, nil if it begins one.
func (g *segment) open(reading *sample.Report) *sample.Report {
	last := g.end() - 1
	if last < g.first || last < g.handed || g.acked[last] || !fits(g.at(last), reading, *g.limits) {
		return nil
	}
	return g.at(last)
}

// put adds a reading in memory, and returns it with the number of its report.
func (s *Spool) put(g *segment, reading sample.Report) sample.Report {
	if !g.kept {
		g.size += envelopeBytes + int64(weight(&reading))
	}
	if r := g.open(&reading); r != nil {
		reading.Seq = r.Seq
		join(r, &reading)
		return reading
	}
	s.seq++
	reading.Seq = s.seq
	g.reports = append(g.reports, reading)
	return reading
}

// Next returns the oldest report behind the position after, and its own position; it waits for one until ctx ends,
// whose error it then returns. Positions are above 0 and grow; a report stays until Ack, so reading again from 0 gives
// everything that is not acknowledged. Only the parts of a report that was split come out of their turn, and after
// them the row goes on where it was. The report's samples are shared and must not be changed.
func (s *Spool) Next(ctx context.Context, after uint64) (uint64, sample.Report, error) {
	for {
		s.mu.Lock()
		pos, r, ok := s.find(after)
		s.followUp() // a file may be empty, or not be readable
		changed := s.changed
		s.mu.Unlock()
		if ok {
			return pos, r, ctx.Err()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, sample.Report{}, ctx.Err()
		}
	}
}

// find hands out the oldest report behind a position.
func (s *Spool) find(after uint64) (uint64, sample.Report, bool) {
	after, pos, r, ok := s.takeAgain(after)
	if ok {
		return pos, r, true
	}
	number, index := after>>indexBits, int(after&(1<<indexBits-1))
	for _, g := range s.segments {
		if g.number < number || !s.load(g) {
			continue
		}
		from := g.first
		if g.number == number {
			from = max(from, index)
		}
		for at := from; at < g.end(); at++ {
			if _, went := s.ahead[g.position(at)]; !went && !g.acked[at] {
				s.divide(g, at)
				g.handed = max(g.handed, at+1)
				return g.position(at), *g.at(at), true
			}
		}
	}
	return 0, sample.Report{}, false
}

// Ack forgets the report at pos. A position that is gone already is no mistake: it may have been dropped meanwhile.
func (s *Spool) Ack(pos uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		if g.number != pos>>indexBits || !g.loaded {
			continue
		}
		g.ack(int(pos&(1<<indexBits-1)) - 1)
		if !g.kept { // a backlog in files says nothing of what waits in memory behind it
			s.quiet = time.Now()
		}
	}
	s.followUp()
	s.wake()
}

// followUp ends all that may change what is due: nothing waits for the next reading to have it done.
func (s *Spool) followUp() {
	s.tidy()
	s.plan()
}

// tidy removes segments of which nothing is needed any more. When nothing waits, the last file goes as well.
func (s *Spool) tidy() {
	g := s.last()
	before := slices.DeleteFunc(s.segments[:len(s.segments)-1], func(g *segment) bool {
		if g.done() {
			s.discard(g)
		}
		return g.done()
	})
	s.segments = append(before, g)
	if !g.done() || !s.empty() {
		return
	}
	if g.path != "" {
		s.discard(g)
		s.segments = before
		s.begin()
		s.cfg.Log.Info("the backlog is delivered; its files are removed", "dir", s.cfg.Dir)
	}
	if s.full {
		s.full = false
		s.cfg.Log.Info("the spool has room again", "dropped", s.dropped)
	}
}

// Empty waits until nothing waits that can be read, or until ctx ends, whose error it then returns.
func (s *Spool) Empty(ctx context.Context) error {
	for {
		s.mu.Lock()
		empty, changed := s.empty(), s.changed
		s.mu.Unlock()
		if empty {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Spool) empty() bool {
	for _, g := range s.segments {
		if g.retryAt.IsZero() && (!g.loaded || g.waiting() > 0) {
			return false
		}
	}
	return true
}

// Dropped returns how many reports were dropped because of a bound.
func (s *Spool) Dropped() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// wake tells all who wait that something changed. s.mu is held.
func (s *Spool) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}
