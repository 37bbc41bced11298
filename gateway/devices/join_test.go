package devices_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/gateway/devices"
	"piway/shared/pki"
)

// A pairing is a list, the moment, and what was invited.
type pairing struct {
	t    *testing.T
	path string
	*devices.List
	now devices.Moment
}

func newPairing(t *testing.T) *pairing {
	path := filepath.Join(t.TempDir(), "devices.json")
	return &pairing{t, path, open(t, path), devices.Moment{
		Wall: time.Date(2026, 5, 6, 7, 8, 9, 10, time.UTC), Right: true, SinceBoot: time.Hour, Boot: "one",
	}}
}

// again opens the list as the next process does.
func (p *pairing) again() { p.List = open(p.t, p.path) }

func (p *pairing) invite(name string, replace bool) devices.Invited {
	p.t.Helper()
	all, err := p.Invite([]string{name}, replace, p.now)
	if err != nil {
		p.t.Fatal(err)
	}
	return all[0]
}

func (p *pairing) join(i devices.Invited, key pki.Sum) (devices.Device, error) {
	return p.Join(i.ID, i.Secret, key, p.now)
}

func (p *pairing) text() string {
	p.t.Helper()
	text, err := os.ReadFile(p.path)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// want holds the list, and what the next process reads, to the standing of a key.
func (p *pairing) want(key pki.Sum, name string, standing devices.Standing) {
	p.t.Helper()
	for _, l := range []*devices.List{p.List, open(p.t, p.path)} {
		if got, is := l.ByKey(key); got != name || is != standing {
			p.t.Errorf("key %x: got %q, %d, want %q, %d", key[:1], got, is, name, standing)
		}
	}
}

func sum(b byte) (s pki.Sum) {
	s[0] = b
	return s
}

// A device joins once, by one key; the same key again gets the same answer without a write.
func TestList_Join(t *testing.T) {
	p := newPairing(t)
	i := p.invite("kitchen", false)
	if text := p.text(); p.Has("kitchen") || strings.Contains(text, string(i.Secret[:])) {
		t.Errorf("invited, and in the list: %s", text)
	}
	wrong := i
	wrong.Secret[15]++
	unknown := i
	unknown.ID[5]++
	for _, bad := range []devices.Invited{wrong, unknown, {}} {
		if _, err := p.join(bad, sum(1)); !errors.Is(err, devices.ErrToken) || err.Error() != devices.ErrToken.Error() {
			t.Errorf("got %v", err)
		}
	}
	p.want(sum(1), "", devices.Unknown)
	p.again()
	d, err := p.join(i, sum(1))
	if err != nil || d.Name != "kitchen" || len(d.ID) != 32 || d.Key != sum(1) || d.SHA256 != "" || d.Plain {
		t.Fatalf("got %+v, %v", d, err)
	}
	p.want(sum(1), "kitchen", devices.Known)
	if err := os.Chmod(filepath.Dir(p.path), 0o500); err != nil { // even if this is root: nothing is compared but the text
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Dir(p.path), 0o700) })
	before, _ := os.Stat(p.path)
	p.now.SinceBoot += 48 * time.Hour
	if again, err := p.join(i, sum(1)); err != nil || again != d {
		t.Errorf("the same key again: got %+v, %v", again, err)
	}
	if after, err := os.Stat(p.path); err != nil || !os.SameFile(before, after) {
		t.Errorf("it was written again: %v", err)
	}
	if _, err := p.join(i, sum(2)); !errors.Is(err, devices.ErrUsed) {
		t.Errorf("another key: got %v", err)
	}
	if _, err := p.join(wrong, sum(1)); !errors.Is(err, devices.ErrToken) {
		t.Errorf("a wrong secret, used: got %v", err)
	}
	p.want(sum(2), "", devices.Unknown)
}
