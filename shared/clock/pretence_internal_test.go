package clock

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A test steps the clock of a running program by its file.
func TestOpen_file(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clock")
	s, err := open("@" + path)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.known.Load(); got != nil {
		t.Errorf("without the file: got %+v, want the machine's own", got)
	}
	for _, tt := range []struct {
		text string
		want pretence
		ok   bool
	}{
		{"-480h,unsynced\n", pretence{offset: -480 * time.Hour, state: Unsynced, stated: true}, true},
		{"", pretence{offset: -480 * time.Hour, state: Unsynced, stated: true}, false}, // just being written
		{"soon", pretence{offset: -480 * time.Hour, state: Unsynced, stated: true}, false},
		{"0s,synced", pretence{state: Synced, stated: true}, true},
	} {
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.look(); (err == nil) != tt.ok {
			t.Errorf("%q: got %v", tt.text, err)
		}
		if got := s.known.Load(); got == nil || *got != tt.want {
			t.Errorf("%q: got %+v, want %+v", tt.text, got, tt.want)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := s.look(); err != nil || s.known.Load() != nil {
		t.Errorf("the file is gone: got %v, %+v", err, s.known.Load())
	}
}

func TestOpen_refusesAtTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clock")
	if err := os.WriteFile(path, []byte("soon"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"soon", "@" + path} {
		if s, err := open(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, s)
		}
	}
}

// Now and Read follow the file.
func TestNow_follows(t *testing.T) {
	before := variable
	t.Cleanup(func() { variable = before })
	path := filepath.Join(t.TempDir(), "clock")
	s, err := open("@" + path)
	variable = func() (*source, error) { return s, err }
	for text, want := range map[string]State{"-480h,unsynced": Unsynced, "-480h,synced": Synced} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := time.Until(Now()); got > -479*time.Hour || got < -481*time.Hour || Read() != want {
			t.Errorf("%q: %s from now, state %d", text, got, Read())
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]pretence{
		"+1h":           {offset: time.Hour},
		"-30m,unsynced": {offset: -30 * time.Minute, state: Unsynced, stated: true},
		"0s,synced":     {state: Synced, stated: true},
	} {
		if got, err := parse(text); err != nil || *got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"1", "an hour", "+1h,right", ","} {
		if got, err := parse(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, got)
		}
	}
	if got, err := parse(""); got != nil || err != nil {
		t.Errorf("nothing: got %+v, %v", got, err)
	}
}
