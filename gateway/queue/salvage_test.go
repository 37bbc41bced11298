package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/gateway/queue/store"
	"piway/gateway/queue/storetest"

	"piway/gateway/pass"
	"piway/gateway/queue"
)

// fill appends n reports of two devices, in some passes that are closed.
func (b *bench) fill(n int) {
	b.T.Helper()
	for i := range n {
		device := []string{"kitchen", "attic"}[i%2]
		b.MustAppend(report(device, "run", int64(i/2+1), fmt.Sprintf("metric %d with a name that takes its place", i), "b"))
		if i%20 == 19 {
			time.Sleep(window)
		}
	}
	time.Sleep(window + grace + time.Second)
}

// damage stops the queue and changes its file.
func (b *bench) damage(change func(text []byte) []byte) {
	b.T.Helper()
	b.Stop()
	text, err := os.ReadFile(b.Cfg.Path)
	if err != nil {
		b.T.Fatal(err)
	}
	if err := os.WriteFile(b.Cfg.Path, change(text), 0o600); err != nil {
		b.T.Fatal(err)
	}
	b.Start()
}

// aside returns the stores that were set aside.
func (b *bench) aside() []string {
	b.T.Helper()
	found, err := filepath.Glob(filepath.Join(filepath.Dir(b.Cfg.Path), "queue.damaged-*Z"))
	if err != nil {
		b.T.Fatal(err)
	}
	return found
}

// mark makes the next Open salvage, as it does after damage was met while the queue ran.
func (b *bench) mark() {
	b.T.Helper()
	if err := os.WriteFile(b.Cfg.Path+".suspect", []byte("salvage"), 0o600); err != nil {
		b.T.Fatal(err)
	}
}

// pageOf returns where the page begins that holds a text.
func pageOf(text []byte, what string) int { return strings.Index(string(text), what) / 4096 * 4096 }

// A sound store that is salvaged comes out as it was.
func TestOpen_salvage_sound(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.fill(100)
		p, names := b.NextPass("f")
		p.Next = 3
		if err := b.Settle(t.Context(), nil, []pass.Pass{p}); err != nil {
			t.Fatal(err)
		}
		before := b.Accounts()
		b.mark()
		b.Reopen()
		if len(b.aside()) != 1 {
			t.Fatalf("got %q set aside, want one", b.aside())
		}
		after := b.Accounts()
		for device, was := range before {
			if now := after[device]; now.Stored != was.Stored || now.Waiting != was.Waiting || len(now.Dropped) != 0 {
				t.Errorf("%s: got %+v, want %+v", device, now, was)
			}
		}
		again, got := b.NextPass("f")
		if again.Start != p.Start || again.Next != 3 {
			t.Errorf("got pass %d at %d, want %d at 3", again.Start, again.Next, p.Start)
		}
		b.WantNames(got, names...)
		b.MustAppend(report("kitchen", "run", 1, "b"))
		if a := b.Accounts()["kitchen"]; a.Duplicate != 1 {
			t.Errorf("got %d duplicates, want the redelivery recognised", a.Duplicate)
		}
		if _, err := os.Stat(b.Cfg.Path + ".suspect"); err == nil {
			t.Error("the mark is still there")
		}
	})
}

// A page of reports costs its reports, which are counted, and its pass's position; the other passes keep theirs.
func TestOpen_salvage_page(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.fill(400)
		for last := false; !last; {
			p, _ := b.NextPass("f")
			if p.Next = 2; b.Settle(t.Context(), nil, []pass.Pass{p}) != nil {
				t.Fatal("moving a pass")
			}
			last = p.Start == b.LastClosed()
		}
		b.mark()
		b.damage(func(text []byte) []byte {
			at := pageOf(text, "metric 205 with")
			copy(text[at:at+4096], make([]byte, 4096))
			return text
		})
		lost := int64(0)
		for _, a := range b.Accounts() {
			lost += a.Dropped[queue.ReasonDamaged]
			if a.Waiting == 0 || a.Stored != 400 {
				t.Errorf("got %+v, want 400 stored and most of it waiting", a)
			}
		}
		if lost == 0 || lost > 100 {
			t.Errorf("got %d samples dropped, want those of a page", lost)
		}
		kept, restarted := 0, 0
		for last := false; !last; {
			p, _ := b.NextPass("f")
			last = p.Start == b.LastClosed()
			switch p.Next {
			case 2:
				kept++
			case 0:
				restarted++
			default:
				t.Errorf("pass %d at %d", p.Start, p.Next)
			}
		}
		if kept < 15 || restarted == 0 {
			t.Errorf("got %d passes with their positions and %d without, want few without", kept, restarted)
		}
	})
}

// A pass with a hole in its middle starts again: its datums are not the same.
func TestOpen_salvage_hole(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		for i := range 200 {
			b.MustAppend(report("kitchen", "run", int64(i+1), fmt.Sprintf("metric %d with a name that takes its place", i)))
		}
		p, _ := b.NextPass("f")
		if p.Next = 2; b.Settle(t.Context(), nil, []pass.Pass{p}) != nil {
			t.Fatal("moving the pass")
		}
		b.mark()
		b.damage(func(text []byte) []byte {
			at := pageOf(text, "metric 100 with")
			copy(text[at:at+4096], make([]byte, 4096))
			return text
		})
		again, names := b.NextPass("f")
		if again.Next != 0 || len(names) == 0 || len(names) >= 200 {
			t.Errorf("got %d of 200 samples from datum %d on, want a part from 0 on", len(names), again.Next)
		}
		b.Accounts()
	})
}

// Whatever lies in the store's place, Open gives a store that works.
func TestOpen_salvage_anything(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"no SQLite": func(path string) error {
			return os.WriteFile(path, []byte(strings.Repeat("no store ", 1000)),
				0o600)
		},
		"empty":           func(path string) error { return os.Truncate(path, 0) },
		"a byte":          func(path string) error { return os.Truncate(path, 1) },
		"half":            func(path string) error { return os.Truncate(path, 4096*11) },
		"header only":     func(path string) error { return os.Truncate(path, 100) },
		"first page zero": func(path string) error { return overwrite(path, 0, make([]byte, 4096)) },
		"format zero":     func(path string) error { return overwrite(path, 60, make([]byte, 4)) },
		"format negative": func(path string) error { return overwrite(path, 60, []byte{255, 255, 255, 255}) },
		"a directory": func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o700)
		},
		"a log that is none": func(path string) error { return os.WriteFile(path+"-wal", []byte("no log"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.fill(100)
				b.Stop()
				if err := spoil(b.Cfg.Path); err != nil {
					t.Fatal(err)
				}
				b.Start()
				b.MustAppend(report("kitchen", "other", 1, "c"))
				b.Accounts()
				b.Reopen()
				b.Accounts()
			})
		})
	}
}

func overwrite(path string, at int64, with []byte) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(with, at); err != nil {
		return err
	}
	return f.Close()
}

// A crash between the steps of a replacement leaves something from which Open goes on.
func TestOpen_salvage_crash(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.fill(20)
		b.Stop()
		whole, err := os.ReadFile(b.Cfg.Path)
		if err != nil {
			t.Fatal(err)
		}
		for _, files := range []map[string]string{
			{"queue.db": "damaged", "queue.db.new": "a part of it", "queue.db.new-wal": "x"},
			{"queue.db": "damaged", "queue.db-wal": "x", "queue.db.salvaged": string(whole)},
			{"queue.db": "damaged", "queue.db.salvaged": string(whole)},
			{"queue.db.salvaged": string(whole)},
		} {
			path := filepath.Join(t.TempDir(), "queue.db")
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c := &bench{storetest.New(t, open, queue.Config{Path: path})}
			if _, ok := files["queue.db.salvaged"]; ok && c.Accounts()["kitchen"].Stored != 20 {
				t.Errorf("with %d files: the salvaged store is not in its place: %+v", len(files), c.Accounts())
			}
			if _, ok := files["queue.db"]; ok && len(c.aside()) != 1 {
				t.Errorf("with %d files: %q set aside, want one", len(files), c.aside())
			}
			c.Stop()
		}
	})
}

// Stores that were set aside do not fill the disk.
func TestOpen_salvage_bounded(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.fill(20)
		for range 5 {
			time.Sleep(time.Second)
			b.mark()
			b.Reopen()
		}
		if n := len(b.aside()); n != 3 {
			t.Errorf("got %d stores set aside, want 3 kept", n)
		}
		if a := b.Accounts()["attic"]; a.Waiting != 20 {
			t.Errorf("got %+v, want 20 waiting", a)
		}
	})
}

// Damage that a reader meets ends Run with ErrDamaged, and the next Open salvages.
func TestQueue_Run_damaged(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.fill(200)
		b.Stop()
		text, err := os.ReadFile(b.Cfg.Path)
		if err != nil {
			t.Fatal(err)
		}
		if err := overwrite(b.Cfg.Path, int64(pageOf(text, "metric 101 with")), make([]byte, 4096)); err != nil {
			t.Fatal(err)
		}
		cfg := queue.Config{
			Path: b.Cfg.Path, Window: window, Grace: grace, MaxBytes: b.Cfg.MaxBytes,
			Log: slog.New(slog.DiscardHandler),
		}
		q, err := queue.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := q.Run(ctx); !errors.Is(err, store.ErrDamaged) { // by the check beside the work
			t.Errorf("got %v, want ErrDamaged", err)
		}
		q.Append(report("kitchen", "late", 1, "a"), func(err error) {
			if err == nil {
				t.Error("a report is acknowledged after the end")
			}
		})
		b.Start()
		if len(b.aside()) != 1 {
			t.Errorf("got %q set aside, want one", b.aside())
		}
		lost := int64(0)
		for _, a := range b.Accounts() {
			lost += a.Dropped[queue.ReasonDamaged]
		}
		if lost == 0 {
			t.Error("nothing is counted as lost")
		}
	})
}
