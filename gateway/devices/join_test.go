package devices_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"piway/gateway/devices"
	"piway/shared/files"
	"piway/shared/pki"
)

// A rig is a list, the moment, and what was invited.
type rig struct {
	t    *testing.T
	path string
	*devices.List
	now devices.Moment
}

func newRig(t *testing.T) *rig {
	path := filepath.Join(t.TempDir(), "devices.json")
	return &rig{t, path, open(t, path), devices.Moment{
		Wall: time.Date(2026, 5, 6, 7, 8, 9, 10, time.UTC), Right: true, SinceBoot: time.Hour, Boot: "one",
	}}
}

// again opens the list as the next process does.
func (p *rig) again() { p.List = open(p.t, p.path) }

func (p *rig) invite(name string, replace bool) devices.Invited {
	p.t.Helper()
	all, err := p.Invite([]string{name}, replace, p.now)
	if err != nil {
		p.t.Fatal(err)
	}
	return all[0]
}

func (p *rig) join(i devices.Invited, key pki.Sum) (devices.Device, error) {
	return p.Join(i.ID, i.Secret, key, p.now)
}

func (p *rig) text() string {
	p.t.Helper()
	text, err := os.ReadFile(p.path)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// want holds the list, and what the next process reads, to the standing of a key.
func (p *rig) want(key pki.Sum, name string, standing devices.Standing) {
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
	p := newRig(t)
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
	before, err := os.Stat(p.path)
	if err != nil {
		t.Fatal(err)
	}
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

// joined lets a device in by a key.
func (p *rig) joined(name string, key pki.Sum) devices.Device {
	p.t.Helper()
	d, err := p.join(p.invite(name, false), key)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

// A card that takes the place of another one has its id and name, whatever that is by now. What was before is void, in
// the same write.
func TestList_Join_replace(t *testing.T) {
	p := newRig(t)
	first := p.joined("kitchen", sum(1))
	i := p.invite("kitchen", true)
	p.want(sum(1), "kitchen", devices.Known)
	if err := p.Rename("kitchen", "pantry"); err != nil {
		t.Fatal(err)
	}
	p.again()
	d, err := p.join(i, sum(2))
	if err != nil || d.Name != "pantry" || d.ID != first.ID || d.Key != sum(2) || !d.Added.Equal(first.Added) {
		t.Fatalf("got %+v, %v, want it in the place of %+v", d, err, first)
	}
	p.want(sum(1), "pantry", devices.Revoked)
	p.want(sum(2), "pantry", devices.Known)
	if n := strings.Count(p.text(), `"since_boot_ns"`); n != 1 {
		t.Errorf("%d invitations are kept: %s", n, p.text())
	}
	if _, err := p.join(i, sum(1)); !errors.Is(err, devices.ErrUsed) {
		t.Errorf("the former key by the new invitation: got %v", err)
	}
}

// A device with a password has a key in its place, and may not be plain any more.
func TestList_Join_deletesThePassword(t *testing.T) {
	p := newRig(t)
	password, err := p.Add("kitchen", true)
	if err != nil {
		t.Fatal(err)
	}
	id := p.All()[0].ID
	i := p.invite("kitchen", true)
	for _, l := range []*devices.List{p.List, open(t, p.path)} {
		if !l.Authenticate("kitchen", password, false) || !l.Plain() {
			t.Error("an invitation alone voids the password")
		}
	}
	d, err := p.join(i, sum(1))
	if err != nil || d.ID != id {
		t.Fatalf("got %+v, %v, want the id %s", d, err, id)
	}
	for _, l := range []*devices.List{p.List, open(t, p.path)} {
		if l.Authenticate("kitchen", password, true) || l.Plain() || l.Authenticate("kitchen", "", true) {
			t.Error("a device with a key is let in by a password")
		}
		if _, err := l.Password("kitchen"); !errors.Is(err, devices.ErrNoPassword) {
			t.Errorf("a new password: got %v", err)
		}
	}
	if text := p.text(); strings.Contains(text, "plain") || strings.Count(text, "sha256") != 1 { // the invitation's
		t.Errorf("in the file: %s", text)
	}
}

// What a key or a name is already is told, and changes nothing.
func TestList_Join_refuses(t *testing.T) {
	p := newRig(t)
	p.joined("kitchen", sum(1))
	p.joined("attic", sum(2))
	p.joined("lost", sum(3))
	if err := errors.Join(p.Revoke("lost"), p.Remove("lost")); err != nil {
		t.Fatal(err)
	}
	cellar, porch, kitchen := p.invite("cellar", false), p.invite("porch", false), p.invite("kitchen", true)
	if _, err := p.Add("porch", false); err != nil {
		t.Fatal(err)
	}
	gone := p.invite("attic", true)
	if err := p.Remove("attic"); err != nil {
		t.Fatal(err)
	}
	before := p.text()
	for name, tt := range map[string]struct {
		by   devices.Invited
		key  pki.Sum
		want error
	}{
		"another device's":          {cellar, sum(1), devices.ErrKeyTaken},
		"a removed device's":        {cellar, sum(2), devices.ErrKeyRevoked},
		"a revoked device's":        {cellar, sum(3), devices.ErrKeyRevoked},
		"revoked, to replace":       {kitchen, sum(3), devices.ErrKeyRevoked},
		"a name that is taken":      {porch, sum(4), devices.ErrExists},
		"the place of who is gone":  {gone, sum(5), devices.ErrToken},
		"no key":                    {cellar, pki.Sum{}, nil},
		"another one's, to replace": {p.invite("porch", true), sum(1), devices.ErrKeyTaken},
	} {
		p.again()
		if d, err := p.join(tt.by, tt.key); err == nil || d.Name != "" || !errors.Is(err, tt.want) && tt.want != nil {
			t.Errorf("%s: got %+v, %v, want %v", name, d, err, tt.want)
		}
	}
	if after := p.text(); strings.Count(after, `"key"`) != strings.Count(before, `"key"`) {
		t.Errorf("something joined: %s", after)
	}
	if d, err := p.join(kitchen, sum(1)); err != nil || d.Key != sum(1) {
		t.Errorf("its own key again, by another invitation: got %+v, %v", d, err)
	}
	p.want(sum(1), "kitchen", devices.Known)
}

// A secret that is wrong is told apart from an invitation that is not known by who counts them, and by nobody else.
func TestList_Join_wrongSecret(t *testing.T) {
	p := newRig(t)
	i := p.invite("kitchen", false)
	i.Secret[0]++
	_, err := p.join(i, sum(1))
	if !errors.Is(err, devices.ErrSecret) || err.Error() != devices.ErrToken.Error() {
		t.Errorf("got %v", err)
	}
	if _, err := p.join(devices.Invited{}, sum(1)); errors.Is(err, devices.ErrSecret) {
		t.Errorf("not known: got %v", err)
	}
}

// Whoever has a list that an earlier process wrote answers only when that is on the disk.
func TestList_Join_again_onDisk(t *testing.T) {
	p := newRig(t)
	i := p.invite("kitchen", false)
	d, err := p.join(i, sum(1))
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{FS: files.System, fail: map[string]error{"sync": syscall.EIO}}
	l, err := devices.OpenIn(f, p.path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Join(i.ID, i.Secret, sum(1), p.now); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v while the disk fails", err)
	}
	f.fail = nil
	if again, err := l.Join(i.ID, i.Secret, sum(1), p.now); err != nil || again != d {
		t.Errorf("got %+v, %v", again, err)
	}
}

// What cannot be written did not happen: nobody joined, nothing is void, and the same try succeeds later.
func TestList_Join_cannotWrite(t *testing.T) {
	for what, err := range failures {
		t.Run(what, func(t *testing.T) {
			path, l, password, f := broken(t, "", nil)
			p := &rig{t, path, l, newRig(t).now}
			fresh, again := p.invite("attic", false), p.invite("kitchen", true)
			before := p.text()
			f.fail = map[string]error{what: err}
			for _, i := range []devices.Invited{fresh, again} {
				if d, got := p.join(i, sum(1)); !errors.Is(got, err) || d.Name != "" ||
					errors.Is(got, files.ErrUnsure) != (what == "syncdir") {
					t.Errorf("got %+v, %v", d, got)
				}
			}
			if made, got := p.Invite([]string{"porch"}, false, p.now); made != nil || !errors.Is(got, err) {
				t.Errorf("inviting: got %v, %v", made, got)
			}
			if _, standing := p.ByKey(sum(1)); standing != devices.Unknown || !p.Authenticate("kitchen", password, true) ||
				p.Has("attic") || len(p.Pending(p.now)) != 2 {
				t.Errorf("something happened: %s, %v", names(p.List), p.Pending(p.now))
			}
			f.fail = nil
			if err := p.Save(); err != nil {
				t.Fatal(err)
			}
			if after := p.text(); after != before {
				t.Errorf("in the file: %s, want %s", after, before)
			}
			if _, err := p.join(again, sum(1)); err != nil {
				t.Error(err)
			}
			p.want(sum(1), "kitchen", devices.Known)
		})
	}
}
