package find

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/shared/config"
	"piway/shared/pki"
)

// What worked is tried first by the next process, and the file is written when that changes only.
func TestFinder_remembers(t *testing.T) {
	t.Parallel()
	us := authority(t)
	first, second := gateway(t, us), gateway(t, us)
	file := filepath.Join(t.TempDir(), "state", "gateway")
	opt := Options{
		Search: Search{Addresses: []string{"127.0.0.1:1"}, Pins: []pki.Sum{us.Pin()}, Browse: browsing(second.Addr())},
		Memory: file,
	}
	look := opt
	look.Look = true
	if _, err := connect(t, finder(t, look)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("who only looks has written")
	}
	f := finder(t, opt)
	if at, err := connect(t, f); err != nil || at.Way != Network {
		t.Fatalf("got %v, %v", at, err)
	}
	held, err := os.Open(file) // its number goes to no other file
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close() }() // only held
	before, err := held.Stat()
	if err != nil {
		t.Fatal(err)
	}
	opt.Browse = nil
	for _, f := range []*Finder{f, finder(t, opt), finder(t, look)} {
		if at, err := connect(t, f); err != nil || at != (Place{second.Addr(), Last}) {
			t.Errorf("got %v, %v", at, err)
		}
	}
	if after, err := os.Stat(file); err != nil || !os.SameFile(before, after) {
		t.Errorf("the file was written again: %v", err)
	}
	// Who names another address wants that one.
	opt.Addresses = []string{first.Addr()}
	if at, err := connect(t, finder(t, opt)); err != nil || at != (Place{first.Addr(), Configured}) {
		t.Errorf("got %v, %v", at, err)
	}
	if after, err := os.Stat(file); err != nil || os.SameFile(before, after) {
		t.Errorf("the new address is not remembered: %v", err)
	}
}

// Once TLS was spoken, a configuration without pins is refused until somebody takes the mark away.
func TestNew_neverBackToPlain(t *testing.T) {
	t.Parallel()
	us := authority(t)
	b := gateway(t, us)
	file := filepath.Join(t.TempDir(), "gateway")
	opt := Options{
		Search: Search{Addresses: []string{b.Addr()}, Pins: []pki.Sum{us.Pin()}}, Memory: file,
		Log: slog.New(slog.DiscardHandler),
	}
	if _, err := connect(t, finder(t, opt)); err != nil {
		t.Fatal(err)
	}
	opt.Pins = nil
	for _, spoil := range []func() error{
		func() error { return nil },
		func() error { return os.WriteFile(file, []byte("{"), 0o600) },
		func() error { return os.WriteFile(file, nil, 0o600) },
		func() error { return os.Remove(file) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		_, there := os.Stat(file)
		_, err := New(opt)
		if there != nil {
			if err != nil {
				t.Errorf("without the mark: got %v", err)
			}
			continue
		}
		if !errors.Is(err, ErrPlain) || !strings.Contains(config.Hint(err), "remove "+file) ||
			!strings.Contains(err.Error(), "gateway.pins") {
			t.Errorf("got %v, want the refusal and a way out", err)
		}
	}
}

// What is in the file may be anything.
func FuzzRecall(f *testing.F) {
	f.Add([]byte(`{"address":"a:1","configured":["a:1"],"pins":["00"]}`))
	f.Add([]byte(`{"pins":[1]}`))
	path := filepath.Join(f.TempDir(), "gateway")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		m, there := recall(path)
		if !there {
			t.Fatal("a file that is there says that TLS was spoken")
		}
		_ = m.plain(path).Error()
	})
}
