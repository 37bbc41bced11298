// Package spool keeps readings until they are acknowledged: bounded, in order, and forgotten only when told.
//
// While the gateway answers, all is in memory and nothing is written. When it has not answered for a while, or at the end,
// what waits goes to files, and then so does each new reading, until the backlog is acknowledged. What an earlier process
// left there goes first. A bound that is hit costs the oldest, and that is counted.
//
// A reading is in its file when Add returns, so a killed process loses at most what it read while Config.After went by; a
// power cut also costs the readings of the last five seconds, and those of a disk that lies about fsync.
//
// The spool makes reports of readings: until a report is handed out, more readings become a part of it. So a backlog needs
// few messages, and a report that was handed out once has the same run, number and samples for ever, also after a restart.
package spool

import (
	"context"
	"log/slog"
	"sync"
	"time"

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
	// MaxBytes and MaxAge bound the files, MaxReports what is in memory.
	MaxBytes   int64
	MaxAge     time.Duration
	MaxReports int
	// ClockRight reports whether this machine's clock is to be believed; nil means always. While it is not, nothing is too old.
	ClockRight func() bool
	// Log must be set.
	Log *slog.Logger
}

// ownNumbers is where the numbers of segments begin that this process makes; files of earlier ones come before.
const ownNumbers = 1 << 40

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

// Open returns a spool with what earlier processes left in the folder. A folder that cannot be used is no error: that is
// told, and all is kept in memory.
func Open(cfg Config) *Spool {
	s := &Spool{cfg: cfg, number: ownNumbers, limits: sample.MaxLimits(), ahead: map[uint64]uint64{}, quiet: time.Now(), changed: make(chan struct{})}
	s.openDisk()
	s.begin()
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
	reading.Run = s.cfg.Run
	for _, part := range cut(reading, s.limits) { // mostly one
		s.add(part)
	}
	s.spillIfDue()
	s.bound()
	s.watch()
	s.wake()
}

// add keeps a reading that is within the limits.
func (s *Spool) add(reading sample.Report) {
	g := s.last()
	switch {
	case g.file != nil:
		g = s.write(g, &reading)
	case g.size >= segmentBytes || g.end() >= maxIndex:
		g.sealed = true
		g = s.begin()
	}
	s.put(g, reading)
}

// open returns the report that the reading is to become a part of, nil if it begins one.
func (g *segment) open(reading *sample.Report) *sample.Report {
	last := g.end() - 1
	if last < g.first || last < g.handed || g.acked[last] || !fits(g.at(last), reading, *g.limits) {
		return nil
	}
	return g.at(last)
}

// put adds a reading in memory. If it was written before, that gave it the same number.
func (s *Spool) put(g *segment, reading sample.Report) {
	if g.path == "" {
		g.size += envelopeBytes + int64(weight(&reading))
	}
	if r := g.open(&reading); r != nil {
		join(r, &reading)
		return
	}
	s.seq++
	reading.Seq = s.seq
	g.reports = append(g.reports, reading)
}

// Next returns the oldest report behind the position after, and its own position; it waits for one until ctx ends,
// whose error it then returns. Positions are above 0 and grow; a report stays until Ack, so reading again from 0
// gives everything that is not acknowledged. Only the parts of a report that was split come out of their turn, and after
// them the row goes on where it was. The report's samples are shared and must not be changed.
func (s *Spool) Next(ctx context.Context, after uint64) (uint64, sample.Report, error) {
	for {
		s.mu.Lock()
		pos, r, ok := s.find(after)
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
	for i := 0; i < len(s.segments); {
		g := s.segments[i]
		if g.number < number {
			i++
			continue
		}
		if !g.loaded && !s.load(g) {
			s.segments = append(s.segments[:i:i], s.segments[i+1:]...)
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
		i++
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
		if g.path == "" { // a backlog in files says nothing of what waits in memory behind it
			s.quiet = time.Now()
		}
	}
	s.tidy()
	s.wake()
}

// tidy removes segments of which nothing is needed any more. When nothing waits, the last file goes as well.
func (s *Spool) tidy() {
	for len(s.segments) > 1 && s.segments[0].done() {
		s.discard(s.segments[0])
		s.segments = s.segments[1:]
	}
	g := s.last()
	if len(s.segments) > 1 || !g.done() {
		return
	}
	if g.path != "" {
		s.discard(g)
		s.segments = nil
		s.begin()
		s.cfg.Log.Info("the backlog is delivered, its files are removed", "dir", s.cfg.Dir)
	}
	if s.full {
		s.full = false
		s.cfg.Log.Info("the spool has room again", "dropped", s.dropped)
	}
}

// Empty waits until nothing waits, or until ctx ends, whose error it then returns.
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
		if !g.loaded || g.waiting() > 0 {
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
