package own

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"piway/shared/sample"
)

// Whatever a file says, what is taken of it is right, all of it is taken or refused, and the refusal fits beside it.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"name":"door","unit":"Count","value":1}`, `[{"name":"a (pi)","unit":"None","value":"2","ttl":"5m"},{}]`,
		`{"name":"a","unit":"None","value":1,"ttl":1e400}`, `[{"ttl":{}},NaN]`, `{"samples":[]}`, "", "[", "\xff", "[]",
		`[{"name":"a","unit":"None","value":1,"time":"1763791460"}]`,
		"\xef\xbb\xbf{\"name\":\"a\",\"unit\":\"None\",\"value\":1}\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		readings, refusals, err := parse(text, "pi")
		if err != nil && (len(readings) > 0 || refusals.CountRefused() > 0 || err.Error() == "") {
			t.Fatalf("got %v beside %v", readings, err)
		}
		if err != nil {
			refusals.Refuse(1, sample.Refusal{Index: -1, Error: err.Error()})
		}
		if len(readings)+refusals.CountRefused() == 0 {
			t.Fatal("neither taken nor refused")
		}
		for _, r := range readings {
			if sample.CheckName(r.Name) != nil || sample.CheckUnit(r.Unit) != nil || sample.CheckValue(r.Value) != nil ||
				r.ttl <= 0 || r.ttl > maxTTL {
				t.Errorf("got %+v", r)
			}
		}
		if said, err := refusalText(refusals); err != nil || len(said) > 16<<10 {
			t.Errorf("the refusal: got %d bytes, %v", len(said), err)
		}
	})
}

func FuzzFileName(f *testing.F) {
	for _, s := range []string{"door", "a b", "..", "/", "\x00", strings.Repeat("ä", 300), ".json", "A-B"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, metric string) {
		name := fileName(metric)
		if filepath.Base(name) != name || len(name) > 200 || !isReading(name) || name != fileName(" "+folded(metric)) {
			t.Errorf("%q: got %q", metric, name)
		}
	})
}

// What is older than the machine's start in a folder in memory is so by a clock that was set since.
func TestLook_age(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		written    time.Duration
		most, want time.Duration
	}{
		{-time.Minute, time.Hour, time.Minute},
		{-100 * time.Hour, time.Hour, time.Hour},
		{100 * time.Hour, time.Hour, 0},
	} {
		l := look{now: now, most: tt.most}
		if got := l.age(now.Add(tt.written).Round(0)); got != tt.want {
			t.Errorf("%+v: got %s", tt, got)
		}
	}
}

// A folder that does not answer costs a report the own readings, and none of its time beyond the patience. What comes
// late is not lost.
func TestFolder_hangs(t *testing.T) {
	t.Parallel()
	f := New(Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	text := []byte(`{"name":"a","unit":"None","value":1}`)
	if err := os.WriteFile(filepath.Join(f.opt.Dir, "a.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	f.running = make(chan []Outcome, 1) // a look that has not come back
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := f.Read(ctx, nil); got != nil {
		t.Errorf("got %v", got)
	}
	f.running <- []Outcome{{Samples: []sample.Sample{{Name: "late"}}}}
	if got := f.Read(t.Context(), nil); len(got) != 1 || got[0].Name != "late" {
		t.Errorf("got %v, want what came late", got)
	}
	if got := f.Read(t.Context(), nil); len(got) != 1 || got[0].Name != "a" {
		t.Errorf("got %v, want another look", got)
	}
}

// The clock of a Raspberry Pi goes on from its last stop until it is set. A file that was written by then, in a folder
// that is gone when the machine stops, is no older than the machine's run.
func TestFolder_inMemory(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/dev/shm", "piway")
	if err != nil || !inMemory(dir) {
		t.Skip("no file system in memory")
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	years := time.Now().Add(-20 * 365 * 24 * time.Hour)
	for _, tt := range []struct {
		dir  string
		want int
	}{{dir, 1}, {t.TempDir(), 0}} {
		if tt.want == 0 && inMemory(tt.dir) {
			continue
		}
		path := filepath.Join(tt.dir, "a.json")
		if err := errors.Join(os.WriteFile(path, []byte(`{"name":"a","unit":"None","value":1,"ttl":"365d"}`), 0o600),
			os.Chtimes(path, years, years)); err != nil {
			t.Fatal(err)
		}
		f := New(Options{Dir: tt.dir, Log: slog.New(slog.DiscardHandler)})
		if got := f.Read(t.Context(), nil); len(got) != tt.want {
			t.Errorf("%s: got %v, want %d", tt.dir, got, tt.want)
		}
	}
}

// Somebody may put a link or a pipe in the place of a file that was just looked at.
func TestOpenPlain_race(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(file, link), syscall.Mkfifo(pipe, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{link: errLink, pipe: errKind, dir: errKind} {
		if _, _, err := openPlain(path); err == nil || !errors.Is(worded(err, path), want) {
			t.Errorf("%s: got %v, want %v", path, err, want)
		}
	}
	if f, _, err := openPlain(file); err != nil || f.Close() != nil {
		t.Errorf("got %v", err)
	}
}
