package tell_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"piway/shared/tell"
)

// lines is a log that is read while it may be written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was written since, without times.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

func newTeller() (*tell.Teller, *lines) {
	l := &lines{}
	timeless := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	return tell.New(slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{ReplaceAttr: timeless}))), l
}

func want(t *testing.T, l *lines, text string) {
	t.Helper()
	if got := l.take(); got != text {
		t.Errorf("got\n%swant\n%s", got, text)
	}
}

// The first in full, then a count after a minute, then one an hour; after a quiet hour in full again.
func TestTeller_Tell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said, log := newTeller()
		defer said.Close()
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		for i := range 10 {
			said.Tell(slog.LevelWarn, "pi1", "denied", "topic", fmt.Sprint(i))
		}
		said.Tell(slog.LevelInfo, "pi2", "denied", "topic", "x")
		want(t, log, "level=WARN msg=denied topic=0\nlevel=INFO msg=denied topic=x\n")
		pass(59 * time.Second)
		want(t, log, "")
		pass(time.Second)
		want(t, log, "level=WARN msg=denied topic=9 more=9 in=1m0s\n")
		for i := range 59 {
			pass(time.Minute)
			said.Tell(slog.LevelWarn, "pi1", "denied", "topic", fmt.Sprint("hour ", i))
		}
		want(t, log, "")
		pass(time.Minute)
		want(t, log, "level=WARN msg=denied topic=\"hour 58\" more=59 in=1h0m0s\n")
		for i := range 300 { // nothing is left of who was forgotten
			pass(2 * time.Hour)
			want(t, log, "")
			subject := []string{"pi1", ""}[i%2]
			said.Tell(slog.LevelWarn, subject, "denied", "topic", "anew")
			want(t, log, "level=WARN msg=denied topic=anew\n")
		}
	})
}

func TestTeller_Close(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said, log := newTeller()
		said.Tell(slog.LevelWarn, "a", "m")
		said.Tell(slog.LevelWarn, "a", "m")
		time.Sleep(2 * time.Second)
		said.Close()
		want(t, log, "level=WARN msg=m\nlevel=WARN msg=m more=1 in=2s\n")
		said.Tell(slog.LevelWarn, "a", "m")
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		want(t, log, "")
	})
}

// What is foreign is clipped and quoted, and nothing of it makes a line of its own.
func TestTeller_Tell_foreignText(t *testing.T) {
	said, log := newTeller()
	long := strings.Repeat("é", 40_000)
	stack := strings.Repeat("s", 500)
	said.Tell(slog.LevelWarn, long, "m", "user", long, "err", errors.New(long), "n", 7, "stack", tell.Own(stack))
	got := log.take()
	if len(got) > 1600 || !strings.Contains(got, strings.Repeat("é", 125)+"…") || !strings.Contains(got, stack) {
		t.Errorf("got %d bytes: %s", len(got), got)
	}
	said.Tell(slog.LevelWarn, "x", "m", "user", "a\nlevel=ERROR msg=\"all is lost\" \x1b[2J\xff")
	got = log.take()
	if strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") || !strings.Contains(got, `\nlevel=ERROR`) {
		t.Errorf("got %q", got)
	}
}

// However many do it, lines and memory are bounded, and who came first still has a line of its own.
func TestTeller_Tell_manySubjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said, log := newTeller()
		defer said.Close()
		said.Tell(slog.LevelWarn, "pi1", "other", "topic", "x")
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range 10_000 {
			said.Tell(slog.LevelWarn, fmt.Sprintf("%d %0200d", i, 0), "denied", "user", strings.Repeat("u", 4096))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
			t.Errorf("memory grew by %d bytes", grown)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		got := log.take()
		if len(got) > 64<<10 || !strings.Contains(got, "others=") || !strings.Contains(got, "more=9899") {
			t.Errorf("got %d bytes, that end in %s", len(got), got[max(0, len(got)-500):])
		}
		time.Sleep(3 * time.Hour) // all of them are forgotten
		synctest.Wait()
		log.take()
		said.Tell(slog.LevelWarn, "fresh", "denied", "topic", "y")
		want(t, log, "level=WARN msg=denied topic=y\n")
	})
}
