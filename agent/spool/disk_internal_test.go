package spool

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"piway/shared/files"
	"piway/shared/sample"
)

// open is for a test in a bubble: what is due at once has been done, and no other timer goes off while the test does
// not wait.
func open(t testing.TB, dir string, log *strings.Builder) *Spool {
	t.Helper()
	s := Open(Config{
		Run: "a", Dir: dir, MaxBytes: 64 << 20, MaxReports: 1000,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	synctest.Wait()
	return s
}

// seqs hands out all that waits.
func seqs(s *Spool) (got []string) {
	for pos := uint64(0); ; {
		next, r, ok := s.find(pos)
		if !ok {
			return got
		}
		pos = next
		for _, x := range r.Samples {
			got = append(got, fmt.Sprintf("%s%d:%v", r.Run, r.Seq, x.Value))
		}
	}
}

// Positions grow for as long as the process runs, though a segment in memory has as many as its index has bits.
func TestSpool_manyReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := open(t, "", &log)
		s.last().first = maxIndex - 3 // as after months online
		var after uint64
		for i := range 6 {
			s.Add(reading("", 0, float64(i)))
			pos, r, ok := s.find(after)
			if !ok || pos <= after || r.Seq != int64(i+1) {
				t.Fatalf("report %d: got %d at %d after %d, %v", i+1, r.Seq, pos, after, ok)
			}
			after = pos
			s.Ack(pos)
			if !s.empty() {
				t.Fatalf("report %d waits, though it is acknowledged", i+1)
			}
		}
		if len(s.segments) != 1 {
			t.Errorf("%d segments are left", len(s.segments))
		}
	})
}

// A damaged line costs its readings only; a file that cannot be read costs itself, and stays where it is.
func TestSpool_damagedFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, whole := t.TempDir(), file(t)
		damaged := append([]byte(nil), whole...)
		damaged[20] ^= 1
		for i, text := range [][]byte{damaged, {}, []byte("nothing of ours\n")} {
			if err := os.WriteFile(fmt.Sprintf("%s/%012d.spool", dir, i+1), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(dir+"/README", []byte("not ours"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(dir+"/000000000009.spool", 0o700); err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		s := open(t, dir, &log)
		defer s.Close()
		s.Add(sample.Report{Samples: []sample.Sample{{Name: "n", Unit: "None", Value: 4}}})
		if got := fmt.Sprint(seqs(s)); got != "[a1:2 a2:3 a1:4]" {
			t.Errorf("got %s", got)
		}
		if n := strings.Count(log.String(), "are damaged"); n != 2 {
			t.Errorf("told of %d damaged files, want 2:\n%s", n, log.String())
		}
	})
}

// Files of a backlog are read when it is their turn, so that memory holds about two of them.
func TestSpool_memory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		var log strings.Builder
		s := open(t, dir, &log)
		pad := strings.Repeat("x", 4000)
		for i := range 2000 {
			r := reading("", 0, float64(i))
			r.Samples[0].Name = pad
			s.Add(r)
		}
		loaded := func() (n int) {
			for _, g := range s.segments {
				if g.loaded {
					n++
				}
			}
			return n
		}
		if n := len(s.segments); n < 8 || loaded() > 2 {
			t.Errorf("%d of %d segments are in memory after writing", loaded(), n)
		}
		for pos := uint64(0); ; {
			next, _, ok := s.find(pos)
			if !ok {
				break
			}
			s.Ack(next)
			pos = next
			if loaded() > 3 {
				t.Fatalf("%d segments are in memory while reading", loaded())
			}
		}
		if s.last().path != "" || len(s.segments) != 1 {
			t.Errorf("%d segments are left", len(s.segments))
		}
	})
}

// What was handed out of a file is acknowledged also if the file becomes full meanwhile, and is not the oldest.
func TestSpool_sealedInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := open(t, t.TempDir(), &log)
		defer s.Close()
		fill := func(segments int) {
			for i := 0; len(s.segments) < segments; i++ {
				r := reading("", 0, float64(i))
				r.Samples = slices.Repeat(r.Samples, 400)
				s.Add(r)
			}
		}
		fill(2)
		var inHand []uint64
		pos, _, ok := s.find(0)
		for ; ok; pos, _, ok = s.find(pos) {
			inHand = append(inHand, pos)
		}
		fill(3) // the second is full
		for _, pos := range inHand {
			s.Ack(pos)
		}
		after := inHand[len(inHand)-1]
		for pos, _, ok := s.find(after); ok; pos, _, ok = s.find(pos) { // the same connection goes on
			s.Ack(pos)
		}
		if !s.empty() || s.last().path != "" {
			t.Errorf("all is acknowledged, and %d segments are left, the last in %q", len(s.segments), s.last().path)
		}
	})
}

// A Pi starts with the time at which it was switched off. What it reads until its clock is set is not as old as its
// file seems.
func TestSpool_undatedIsNotOld(t *testing.T) {
	for _, clock := range []string{sample.Synced, sample.Unsynced} {
		var log strings.Builder
		dir := t.TempDir()
		s := Open(Config{
			Run: "a", Dir: dir, After: time.Hour, MaxBytes: 64 << 20, MaxReports: 1000,
			Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		for i := 0; len(s.segments) < 3; i++ {
			r := reading("", 0, float64(i))
			r.Clock, r.Samples = clock, slices.Repeat(r.Samples, 400)
			s.Add(r)
		}
		s.Close()
		off := time.Now().Add(-21 * 24 * time.Hour)
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if err := os.Chtimes(dir+"/"+f.Name(), off, off); err != nil {
				t.Fatal(err)
			}
		}
		s = Open(Config{
			Run: "b", Dir: dir, MaxBytes: 64 << 20, MaxAge: time.Hour, MaxReports: 1000,
			Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		s.Add(reading("", 0, 1))
		if got := s.Dropped() > 0; got != (clock == sample.Synced) {
			t.Errorf("clock %s: %d dropped", clock, s.Dropped())
		}
		s.Close()
	}
}

// However much waits in memory, it goes into files of the usual size, and the newest stays within the bound.
func TestSpool_spillsInSegments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := Open(Config{
			Run: "a", Dir: t.TempDir(), After: time.Hour, MaxBytes: 4 << 20, MaxReports: 1000,
			Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		defer s.Close()
		const n = 200
		for i := range n {
			r := reading("", 0, float64(i))
			r.Samples = slices.Repeat(r.Samples, 400)
			s.Add(r)
		}
		s.cfg.After = 0
		s.Add(reading("", 0, n))
		for _, g := range s.segments {
			if g.path == "" || g.size > 2*segmentBytes {
				t.Errorf("%d bytes in %q", g.size, g.path)
			}
		}
		got := seqs(s)
		// joined to the one before
		if s.bytes() > 4<<20+2*segmentBytes || len(got) < 2 || got[len(got)-1] != fmt.Sprintf("a%d:%d", n, n) {
			t.Errorf("%d bytes, of %d samples the last is %v", s.bytes(), len(got), got[len(got)-1])
		}
	})
}

// BenchmarkSpool_add writes readings of four samples to the disk, without the fsync that each five seconds bring.
func BenchmarkSpool_add(b *testing.B) {
	var log strings.Builder
	s := open(b, b.TempDir(), &log)
	defer s.Close()
	four := reading("", 0, 1)
	for range 3 {
		four.Samples = append(four.Samples, four.Samples[0])
	}
	b.ReportAllocs()
	for b.Loop() {
		four.Samples = append([]sample.Sample(nil), four.Samples...)
		s.Add(four)
	}
	b.ReportMetric(float64(s.bytes())/float64(b.N), "B/reading")
}

// BenchmarkSpool_read reads a file of a full segment.
func BenchmarkSpool_read(b *testing.B) {
	var log strings.Builder
	s := open(b, b.TempDir(), &log)
	for len(s.segments) < 2 {
		s.Add(reading("", 0, 1))
	}
	g := s.segments[0]
	b.SetBytes(g.size)
	for b.Loop() {
		if _, err := g.load(files.System); err != nil {
			b.Fatal(err)
		}
	}
}
