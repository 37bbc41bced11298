package devices_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"piway/gateway/devices"
	"piway/shared/files"
)

// A revoked device stays on the list with its id, and neither its key nor its password lets anybody in again.
func TestList_Revoke(t *testing.T) {
	p := newRig(t)
	d := p.joined("kitchen", sum(1))
	password, err := p.Add("plug", true)
	if err != nil {
		t.Fatal(err)
	}
	stolen := p.invite("plug", true)
	if err := errors.Join(p.Revoke("kitchen"), p.Revoke("plug"), p.Revoke("plug")); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*devices.List{p.List, open(t, p.path)} {
		if !l.Has("kitchen") || l.Admits("kitchen") || l.Admits("plug") || l.Plain() ||
			l.Authenticate("plug", password, true) || l.Authenticate("plug", "", true) || l.Authenticate("kitchen", "", true) {
			t.Error("a revoked device is let in, or off the list")
		}
		if all := l.All(); all[0].ID != d.ID || all[0].Revoked.IsZero() || len(l.Changes()) > 0 {
			t.Errorf("got %+v", all)
		}
		if _, err := l.Password("plug"); !errors.Is(err, devices.ErrNoPassword) {
			t.Errorf("a new password: got %v", err)
		}
	}
	p.want(sum(1), "kitchen", devices.Revoked)
	if _, err := p.join(stolen, sum(2)); !errors.Is(err, devices.ErrToken) {
		t.Errorf("by an invitation of before: got %v", err)
	}
	if err := p.Revoke("cellar"); !errors.Is(err, devices.ErrUnknown) {
		t.Errorf("got %v", err)
	}
	again, err := p.join(p.invite("kitchen", true), sum(2))
	if err != nil || again.ID != d.ID || !p.Admits("kitchen") {
		t.Errorf("a new card: got %+v, %v", again, err)
	}
	p.want(sum(1), "kitchen", devices.Revoked)
	p.want(sum(2), "kitchen", devices.Known)
}

// A revoked key is never an unknown one again, whatever becomes of its device and of that one's name.
func TestList_revokedForEver(t *testing.T) {
	p := newRig(t)
	p.joined("kitchen", sum(1))
	for _, change := range []func() error{
		func() error { return p.Remove("kitchen") },
		func() error { _, err := p.Add("kitchen", true); return err },
		func() error { return p.Rename("kitchen", "pantry") },
		func() error { p.joined("kitchen", sum(2)); return nil },
		func() error { return p.Revoke("kitchen") },
		func() error { return p.Remove("kitchen") },
		func() error { return p.Remove("pantry") },
		func() error { p.again(); p.invite("kitchen", false); return p.Save() },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		p.want(sum(1), "kitchen", devices.Revoked)
		if _, err := p.join(p.invite("porch", false), sum(1)); !errors.Is(err, devices.ErrKeyRevoked) {
			t.Errorf("joining by it: got %v", err)
		}
	}
}

// A device is revoked at once, whatever the disk does, and that goes to the disk as soon as it can; a list that is
// opened again in this process inherits it.
func TestList_Revoke_cannotWrite(t *testing.T) {
	for what, err := range failures {
		t.Run(what, func(t *testing.T) {
			path, l, password, f := broken(t, "", nil)
			p := &rig{t, path, l, newRig(t).now}
			p.joined("attic", sum(1))
			i := p.invite("kitchen", true)
			f.fail = map[string]error{what: err}
			for range 2 {
				for _, name := range []string{"kitchen", "attic"} {
					if got := l.Revoke(name); !errors.Is(got, devices.ErrUnsaved) || !errors.Is(got, err) ||
						errors.Is(got, files.ErrUnsure) != (what == "syncdir") {
						t.Errorf("got %v, want ErrUnsaved and %v", got, err)
					}
				}
			}
			again := open(t, path)
			again.Inherit(l)
			f.fail = nil
			lists := []*devices.List{l, again}
			if err := again.Save(); err != nil { // the later one has the file
				t.Fatal(err)
			}
			lists = append(lists, open(t, path))
			for n, l := range lists {
				if _, standing := l.ByKey(sum(1)); standing != devices.Revoked || l.Authenticate("kitchen", password, true) ||
					l.Admits("attic") || l.Admits("kitchen") || !l.Has("kitchen") || len(l.Pending(p.now)) > 0 {
					t.Errorf("list %d lets in who is revoked: %+v", n, l.All())
				}
				if _, err := l.Join(i.ID, i.Secret, sum(2), p.now); !errors.Is(err, devices.ErrToken) {
					t.Errorf("list %d takes an invitation of before: %v", n, err)
				}
			}
		})
	}
}

// The invitation of who is not to come is void at once, also for a list that is opened again in this process.
func TestList_Remove_invitation_cannotWrite(t *testing.T) {
	path, l, _, f := broken(t, "", nil)
	p := &rig{t, path, l, newRig(t).now}
	i := p.invite("attic", false)
	f.fail = map[string]error{"open": syscall.ENOSPC}
	for range 2 {
		if err := l.Remove("attic"); !errors.Is(err, devices.ErrUnsaved) {
			t.Errorf("got %v", err)
		}
	}
	again := open(t, path)
	again.Inherit(l)
	for n, l := range []*devices.List{l, again} {
		if _, err := l.Join(i.ID, i.Secret, sum(1), p.now); !errors.Is(err, devices.ErrToken) {
			t.Errorf("list %d: got %v", n, err)
		}
	}
	f.fail = nil
	if err := again.Save(); err != nil {
		t.Fatal(err)
	}
	if err := again.Remove("attic"); !errors.Is(err, devices.ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

// A list that somebody put there does not let in a key that it marks itself, nor one that this process saw revoked.
func TestList_Inherit_marks(t *testing.T) {
	p := newRig(t)
	p.joined("kitchen", sum(1))
	text := p.text()
	if err := p.Revoke("kitchen"); err != nil {
		t.Fatal(err)
	}
	marked := p.text()
	if err := os.WriteFile(p.path, []byte(text), 0o600); err != nil { // as it was, by a hand
		t.Fatal(err)
	}
	if err := p.Revoke("kitchen"); !errors.Is(err, devices.ErrChanged) || !errors.Is(err, devices.ErrUnsaved) {
		t.Errorf("beside another list: got %v", err)
	}
	if _, err := p.Invite([]string{"attic"}, false, p.now); !errors.Is(err, devices.ErrChanged) {
		t.Errorf("inviting beside another list: got %v", err)
	}
	again := open(t, p.path)
	if _, standing := again.ByKey(sum(1)); standing != devices.Known {
		t.Fatalf("got %d", standing)
	}
	again.Inherit(p.List)
	if _, standing := again.ByKey(sum(1)); standing != devices.Revoked || again.Admits("kitchen") {
		t.Errorf("got %d", standing)
	}
	marks := marked[strings.Index(marked, `"revoked_keys"`):strings.Index(marked, `"invitations"`)]
	both := strings.Replace(text, `"invitations"`, marks+`"invitations"`, 1)
	if err := os.WriteFile(p.path, []byte(both), 0o600); err != nil {
		t.Fatal(err)
	}
	p.again()
	if _, standing := p.ByKey(sum(1)); standing != devices.Revoked || p.Admits("kitchen") {
		t.Errorf("a key that is marked beside its device: got %d", standing)
	}
}

// Lists of every earlier version work as they did, byte for byte until something changes. Their devices have one id
// from then on, and may be plain.
func TestOpen_earlier(t *testing.T) {
	hash := "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8" // of "password"
	for name, text := range map[string]string{
		"one line":  `{"devices":[{"name":"kitchen","sha256":"` + hash + `","added":"2026-01-02T03:04:05Z"}]}`,
		"no date":   `{"devices": [{"name":"kitchen","sha256":"` + hash + `"}]}` + "\n",
		"by a hand": "\t" + `{"devices":[{"sha256":"` + hash + `","name":"kitchen","added":"2026-01-02T03:04:05+02:00"}]}`,
		"with changes": `{
  "devices": [
    {
      "name": "kitchen",
      "sha256": "` + hash + `",
      "added": "2026-01-02T03:04:05Z"
    }
  ],
  "changes": [
    {
      "device": "attic"
    }
  ]
}
`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "devices.json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			l := open(t, path)
			id := l.All()[0].ID
			if err := l.Save(); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); string(got) != text {
				t.Errorf("got %s, %v", got, err)
			}
			l = open(t, path)
			if !l.Authenticate("kitchen", "password", false) || !l.Plain() || len(id) != 32 || l.All()[0].ID != id {
				t.Errorf("got %+v, want the id %s", l.All(), id)
			}
			add(t, l, "cellar")
			for _, l := range []*devices.List{l, open(t, path)} {
				if d := l.All()[1]; !l.Authenticate("kitchen", "password", false) || d.ID != id || !d.Plain ||
					l.Authenticate("cellar", "", false) {
					t.Errorf("after a change: got %+v, want the id %s", d, id)
				}
			}
			text, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(text), `"id": "`+id+`"`) || strings.Count(string(text), `"plain": true`) != 1 {
				t.Errorf("in the file: %s, %v", text, err)
			}
		})
	}
}

// Without TLS a password is good for nothing but where it was asked for.
func TestList_Add_plain(t *testing.T) {
	p := newRig(t)
	if p.Plain() {
		t.Error("nobody is plain, and somebody may be")
	}
	secure := add(t, p.List, "kitchen")
	if p.Plain() {
		t.Error("a device that was added without plain makes the list plain")
	}
	plain, err := p.Add("plug", true)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*devices.List{p.List, open(t, p.path)} {
		if !l.Plain() || !l.Authenticate("kitchen", secure, true) || l.Authenticate("kitchen", secure, false) ||
			!l.Authenticate("plug", plain, true) || !l.Authenticate("plug", plain, false) {
			t.Error("who may be plain is confused")
		}
	}
	if err := p.Remove("plug"); err != nil || p.Plain() {
		t.Errorf("the last one is gone: %v", err)
	}
}

// A list of which everybody is revoked admits nobody.
func TestList_AdmitsAny(t *testing.T) {
	l, err := devices.Open(filepath.Join(t.TempDir(), "devices.json"))
	if err != nil {
		t.Fatal(err)
	}
	if l.AdmitsAny() {
		t.Error("an empty list admits somebody")
	}
	if _, err := l.Add("kitchen", false); err != nil {
		t.Fatal(err)
	}
	if !l.AdmitsAny() {
		t.Error("admits nobody")
	}
	if err := l.Revoke("kitchen"); err != nil {
		t.Fatal(err)
	}
	if l.AdmitsAny() {
		t.Error("who is revoked is admitted")
	}
}
