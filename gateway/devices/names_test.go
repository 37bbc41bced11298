package devices_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"piway/gateway/devices"
	"piway/shared/files"
)

// A renamed device keeps its password; a bad name changes nothing. What the store has to be told is on disk with it.
func TestList_Rename(t *testing.T) {
	path := filepath.Join(t.TempDir(), "devices.json")
	l := open(t, path)
	password, attic := add(t, l, "kitchen"), add(t, l, "attic")
	for _, tt := range []struct {
		old, name string
		want      error
	}{
		{"kitchen", "attic", devices.ErrExists},
		{"kitchen", "kitchen", devices.ErrSame},
		{"kitchen", "a/b", devices.ErrName},
		{"kitchen", "", devices.ErrName},
		{"cellar", "pantry", devices.ErrUnknown},
		{"cellar", "cellar", devices.ErrUnknown},
	} {
		if err := l.Rename(tt.old, tt.name); !errors.Is(err, tt.want) {
			t.Errorf("%s to %q: got %v, want %v", tt.old, tt.name, err, tt.want)
		}
	}
	if len(l.Changes()) > 0 || !l.Authenticate("kitchen", password, true) || !l.Authenticate("attic", attic, true) {
		t.Fatalf("a refused name changed something: %s, %v", names(l), l.Changes())
	}
	if err := errors.Join(l.Rename("kitchen", "pantry"), l.Free("attic", "x y")); err != nil {
		t.Fatal(err)
	}
	want := []devices.Change{{Device: "kitchen", To: "pantry"}, {Device: "attic", Metric: "x y"}}
	for _, l := range []*devices.List{l, open(t, path)} {
		if l.Has("kitchen") || !l.Authenticate("pantry", password, true) || names(l) != "attic pantry" {
			t.Errorf("got %s", names(l))
		}
		if !slices.Equal(l.Changes(), want) {
			t.Errorf("got changes %+v", l.Changes())
		}
	}
	l.Applied(1)
	if got := open(t, path).Changes(); !slices.Equal(got, want[1:]) {
		t.Errorf("one is applied: got %+v", got)
	}
	l.Applied(1)
	if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "changes") {
		t.Errorf("all are applied: got %s, %v", text, err)
	}
}

// What cannot be written did not happen.
func TestList_Rename_cannotWrite(t *testing.T) {
	for what, err := range failures {
		t.Run(what, func(t *testing.T) {
			path, l, password, f := broken(t, what, err)
			if got := l.Rename("kitchen", "pantry"); !errors.Is(got, err) ||
				errors.Is(got, files.ErrUnsure) != (what == "syncdir") {
				t.Errorf("renaming: got %v", got)
			}
			if got := l.Free("kitchen", "x"); !errors.Is(got, err) {
				t.Errorf("freeing: got %v", got)
			}
			if got, gotErr := l.Password("kitchen"); got != "" || !errors.Is(gotErr, err) {
				t.Errorf("a new password: got %q, %v", got, gotErr)
			}
			f.fail = nil
			if err := l.Save(); err != nil {
				t.Fatal(err)
			}
			for _, l := range []*devices.List{l, open(t, path)} {
				if !l.Authenticate("kitchen", password, true) || l.Has("pantry") || len(l.Changes()) > 0 {
					t.Errorf("got %s, %v", names(l), l.Changes())
				}
			}
		})
	}
}

func TestList_Password(t *testing.T) {
	path := filepath.Join(t.TempDir(), "devices.json")
	l := open(t, path)
	old := add(t, l, "kitchen")
	password, err := l.Password("kitchen")
	if err != nil {
		t.Fatal(err)
	}
	if l := open(t, path); !l.Authenticate("kitchen", password, true) || l.Authenticate("kitchen", old, true) || password == old {
		t.Error("the old password is let in, or the new one is not")
	}
	if _, err := l.Password("cellar"); !errors.Is(err, devices.ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

// A removal that the disk did not take is told to the store all the same, by the list that is opened next too.
func TestList_Changes_removed(t *testing.T) {
	path, l, _, _ := broken(t, "open", os.ErrPermission)
	_ = l.Remove("kitchen")
	again := open(t, path)
	again.Inherit(l)
	for _, l := range []*devices.List{l, again} {
		if got := l.Changes(); !slices.Equal(got, []devices.Change{{Device: "kitchen"}}) {
			t.Errorf("got %+v", got)
		}
	}
}

func TestList_Alike(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "devices.json"))
	for _, name := range []string{"kitchen", "Attic", "Kitchen"} {
		add(t, l, name)
	}
	if err := errors.Join(l.Rename("Attic", "KITCHEN"), l.Remove("kitchen")); err != nil {
		t.Fatal(err)
	}
	if got := l.Alike("kitcheN"); !slices.Equal(got, []string{"KITCHEN", "Kitchen"}) || l.Alike("attic") != nil {
		t.Errorf("got %v and %v", got, l.Alike("attic"))
	}
}

// Each change has a version of its own.
func TestList_Version(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "devices.json"))
	seen := map[uint64]bool{0: true}
	for i, change := range []func() error{
		func() error { return nil },
		func() error { _, err := l.Add("kitchen", false); return err },
		func() error { return l.Rename("kitchen", "attic") },
		func() error { return l.Remove("attic") },
	} {
		if err := change(); err != nil || seen[l.Version()] {
			t.Errorf("change %d: version %d again, or %v", i, l.Version(), err)
		}
		seen[l.Version()] = true
	}
}
