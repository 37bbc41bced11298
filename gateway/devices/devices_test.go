package devices_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/gateway/devices"
)

func open(t *testing.T, path string) *devices.List {
	t.Helper()
	l, err := devices.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func add(t *testing.T, l *devices.List, name string) (password string) {
	t.Helper()
	password, err := l.Add(name, false)
	if err != nil {
		t.Fatal(err)
	}
	return password
}

func TestList_Authenticate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "devices.json")
	l := open(t, path)
	kitchen, attic := add(t, l, "kitchen"), add(t, l, "attic")
	if kitchen == attic {
		t.Fatal("two devices got one password")
	}
	tests := map[string]struct {
		name, password string
		want           bool
	}{
		"its own":           {"kitchen", kitchen, true},
		"the other one's":   {"kitchen", attic, false},
		"wrong case":        {"kitchen", strings.ToLower(kitchen), false},
		"one letter more":   {"kitchen", kitchen + "A", false},
		"none":              {"kitchen", "", false},
		"unknown device":    {"cellar", kitchen, false},
		"unknown, none":     {"cellar", "", false},
		"case of the name":  {"Kitchen", kitchen, false},
		"nothing":           {"", "", false},
		"the other, itself": {"attic", attic, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, l := range []*devices.List{l, open(t, path)} { // as it was made, and as it is read back
				if got := l.Authenticate(tt.name, tt.password, true); got != tt.want {
					t.Errorf("got %t, want %t", got, tt.want)
				}
			}
		})
	}
}

func TestList_Remove(t *testing.T) {
	path := filepath.Join(t.TempDir(), "devices.json")
	l := open(t, path)
	old := add(t, l, "kitchen")
	add(t, l, "attic")
	if err := l.Remove("kitchen"); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*devices.List{l, open(t, path)} {
		if l.Has("kitchen") || l.Authenticate("kitchen", old, true) {
			t.Error("a removed device is let in")
		}
		if all := l.All(); len(all) != 1 || all[0].Name != "attic" {
			t.Errorf("got %+v, want attic alone", all)
		}
	}
	if err := l.Remove("kitchen"); !errors.Is(err, devices.ErrUnknown) {
		t.Errorf("removing again: got %v, want ErrUnknown", err)
	}
	if add(t, l, "kitchen") == old || l.Authenticate("kitchen", old, true) {
		t.Error("a device added anew takes its old password")
	}
	if _, err := l.Add("kitchen", false); !errors.Is(err, devices.ErrExists) {
		t.Errorf("adding again: got %v, want ErrExists", err)
	}
}

func TestList_file(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "devices.json")
	l := open(t, path)
	password := add(t, l, "kitchen")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("got mode %o, want 600", got)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte(password)) {
		t.Error("the password is in the file")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("got %v, %v in the folder, want the list alone", files, err)
	}
}

func TestList_Add_refusesAName(t *testing.T) {
	if _, err := open(t, filepath.Join(t.TempDir(), "d")).Add("a/b", false); !errors.Is(err, devices.ErrName) {
		t.Errorf("adding a/b: got %v, want ErrName", err)
	}
}

func TestOpen_refuses(t *testing.T) {
	sum, id := strings.Repeat("0", 64), strings.Repeat("1a", 16)
	key := `"key":"` + strings.Repeat("2b", 32) + `"`
	entry := func(name, id, rest string) string { return `{"name":"` + name + `","id":"` + id + `",` + rest + `}` }
	invited := func(id, name, sum string) string {
		return `{"id":"` + id + `","device":"` + name + `","sha256":"` + sum + `"}`
	}
	good := `{"devices":[` + entry("a", id, key) + `],"invitations":[` + invited(id[:12], "a", sum) + `]}`
	if path := filepath.Join(t.TempDir(), "good"); os.WriteFile(path, []byte(good), 0o600) != nil || len(open(t, path).All()) != 1 {
		t.Error("what the bad ones are made of is refused")
	}
	for name, text := range map[string]string{
		"empty":         "",
		"half written":  `{"devices":[{"name":"kitchen","sha2`,
		"bad name":      `{"devices":[{"name":"a/b","sha256":"` + sum + `"}]}`,
		"no sum":        `{"devices":[{"name":"kitchen"}]}`,
		"short sum":     `{"devices":[{"name":"kitchen","sha256":"00"}]}`,
		"sum not hex":   `{"devices":[{"name":"kitchen","sha256":"` + strings.Repeat("x", 64) + `"}]}`,
		"the same name": `{"devices":[{"name":"a","sha256":"` + sum + `"},{"name":"a","sha256":"` + sum + `"}]}`,
		"the same id":   `{"devices":[` + entry("a", id, `"sha256":"`+sum+`"`) + "," + entry("b", id, `"sha256":"`+sum+`"`) + `]}`,
		"the same key":  `{"devices":[` + entry("a", id, key) + "," + entry("b", sum[:32], key) + `]}`,
		"key, no id":    `{"devices":[{"name":"a",` + key + `}]}`,
		"short id":      `{"devices":[` + entry("a", id[1:], key) + `]}`,
		"short key":     `{"devices":[` + entry("a", id, `"key":"00"`) + `]}`,
		"key, password": `{"devices":[` + entry("a", id, key+`,"sha256":"`+sum+`"`) + `]}`,
		"revoked, key":  `{"devices":[` + entry("a", id, key+`,"revoked":"2026-01-02T03:04:05Z"`) + `]}`,
		"revoked, password": `{"devices":[` + entry("a", id, `"sha256":"`+sum+`","revoked":"2026-01-02T03:04:05Z"`) +
			`]}`,
		"a mark without a key": `{"devices":[],"revoked_keys":[{"device":"a"}]}`,
		"a mark of a bad name": `{"devices":[],"revoked_keys":[{"device":"a/b",` + key + `}]}`,
		"invited, bad id":      `{"devices":[],"invitations":[` + invited("00", "a", sum) + `]}`,
		"invited, bad name":    `{"devices":[],"invitations":[` + invited(id[:12], "a/b", sum) + `]}`,
		"invited, bad secret":  `{"devices":[],"invitations":[` + invited(id[:12], "a", "") + `]}`,
		"invited, used by nobody": `{"devices":[],"invitations":[` + invited(id[:12], "a", sum+`",`+key+`,"x":"`) +
			`]}`,
		"invited, bad device": `{"devices":[],"invitations":[` + invited(id[:12], "a", sum+`","device_id":"1`) + `]}`,
		"invited twice": `{"devices":[],"invitations":[` + invited(id[:12], "a", sum) + "," +
			invited(id[:12], "b", sum) + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "devices.json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := devices.Open(path); err == nil || !strings.Contains(err.Error(), "backup") {
				t.Error("got no error")
			}
		})
	}
}

// Who adds a device that is there, since its password is lost, is led to what gives it one.
func TestList_Add_instead(t *testing.T) {
	p := newRig(t)
	l := p.List
	add(t, l, "garden")
	add(t, l, "lost")
	if err := l.Revoke("lost"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.join(p.invite("kitchen", false), sum(1)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"garden":  "try: piway-gateway device password garden ",
		"kitchen": "it has a key, which is all that it needs, try: piway-gateway invite kitchen --replace",
		"lost":    "it is revoked, try: piway-gateway invite lost --replace",
	} {
		if _, err := l.Add(name, false); !errors.Is(err, devices.ErrExists) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	want := "try: piway-gateway device remove garden, then this again"
	if _, err := l.Add("garden", true); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("plain: got %v, want %s", err, want)
	}
}
