package own_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"piway/shared/sample"
)

// What is no plain file is not opened, and not waited for.
func TestFolder_traps(t *testing.T) {
	in(t, func(p *place) {
		p.write("good.json", door)
		secret := filepath.Join(t.TempDir(), "secret.json")
		if err := os.WriteFile(secret, []byte(strings.ReplaceAll(door, "door", "secret")), 0o600); err != nil {
			t.Fatal(err)
		}
		long := strings.Repeat("x", 250) + ".json"
		for name, make := range map[string]func(path string) error{
			"link.json":     func(path string) error { return os.Symlink(secret, path) },
			"self.json":     func(path string) error { return os.Symlink("self.json", path) },
			"dangling.json": func(path string) error { return os.Symlink("nowhere", path) },
			"hard.json":     func(path string) error { return os.Link(secret, path) },
			"pipe.json":     func(path string) error { return syscall.Mkfifo(path, 0o600) },
			"folder.json":   func(path string) error { return os.Mkdir(path, 0o700) },
			"huge.json": func(path string) error {
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					return err
				}
				return os.Truncate(path, 1<<30)
			},
		} {
			if err := make(p.path(name)); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range map[string]string{
			"\xff\n.json": `{"name":"odd","unit":"None","value":1}`,
			long[5:]:      `{"name":"long","unit":"None","value":1}`, // of the most that a name may have
			".hid.json":   `{"name":"hidden","unit":"None","value":1}`,
			"note.txt":    `{"name":"note","unit":"None","value":1}`,
		} {
			p.write(name, text)
		}
		p.want("door 1, long 1, odd 1")
		p.wantRefusal("link.json", "symbolic link")
		p.wantRefusal("self.json", "symbolic link")
		p.wantRefusal("dangling.json", "symbolic link")
		p.wantRefusal("hard.json", "second name")
		p.wantRefusal("pipe.json", "no plain file")
		p.wantRefusal("folder.json", "no plain file")
		p.wantRefusal("huge.json", "more than 65536 bytes")
		p.write(long[5:], "[]")
		p.look()
		if p.log.Count("a refusal cannot be written") == 0 {
			t.Errorf("a name without room for the refusal's: not told:\n%s", p.log)
		}
	})
}

// The refusal takes the place of what lies under its name, and is not written through it.
func TestFolder_refusalIsNotALink(t *testing.T) {
	in(t, func(p *place) {
		victim := filepath.Join(t.TempDir(), "victim")
		if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(victim, p.path("bad.json.refused")); err != nil {
			t.Fatal(err)
		}
		p.write("bad.json", "[]")
		p.look()
		p.wantRefusal("bad.json", "empty array")
		if text, err := os.ReadFile(victim); err != nil || string(text) != "precious" {
			t.Errorf("got %q, %v", text, err)
		}
		if err := os.Mkdir(p.path("dir.json.refused"), 0o700); err != nil {
			t.Fatal(err)
		}
		p.write("dir.json", "[]")
		p.look()
		if p.log.Count("a refusal cannot be written") == 0 {
			t.Errorf("not told:\n%s", p.log)
		}
		if left, err := filepath.Glob(p.path(".*")); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	})
}

// However many files somebody writes, those that were there before are read, few others are, and it is told once.
func TestFolder_flood(t *testing.T) {
	in(t, func(p *place) {
		p.write("door.json", door)
		p.want("door 1")
		for i := range 1000 {
			p.write(fmt.Sprintf("a%d.json", i), fmt.Sprintf(`{"name":"flood %d","unit":"Count","value":1}`, i))
		}
		for range 2 {
			if got := strings.Split(p.look(), ", "); len(got) != 500 || !slices.Contains(got, "door 1") {
				t.Errorf("got %d, want the door and 499 others", len(got))
			}
		}
		if n := p.log.Count("too many files"); n != 1 {
			t.Errorf("told %d times, want once", n)
		}
	})
}

// Many readings in few files are bounded too: what a report can hold.
func TestFolder_manyReadings(t *testing.T) {
	in(t, func(p *place) {
		many := func(from string) string {
			var all []string
			for i := range 400 {
				all = append(all, fmt.Sprintf(`{"name":"%s%d","unit":"Count","value":1}`, from, i))
			}
			return "[" + strings.Join(all, ",") + "]"
		}
		p.write("a.json", many("a"))
		p.write("b.json", many("b"))
		if got := strings.Split(p.look(), ", "); len(got) != 500 {
			t.Errorf("got %d, want 500", len(got))
		}
		p.wantRefusal("a.json", "")
		p.wantRefusal("b.json", "more than 500 readings")
		text, err := os.ReadFile(p.path("b.json.refused"))
		if r, rerr := sample.DecodeRejection(text); err != nil || rerr != nil || len(r.Refused) != 10 || r.More != 290 {
			t.Errorf("got %s, %v, %v", text, err, rerr)
		}
	})
}
