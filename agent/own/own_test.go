package own_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"piway/agent/own"
	"piway/shared/sample"
	"piway/shared/testlog"
)

const every = 15 * time.Second

// A place is a folder and who looks at it. Each look is after a report's interval, in the time of synctest.
type place struct {
	t      *testing.T
	dir    string
	folder *own.Folder
	log    *testlog.Log
	agents []sample.Sample
}

func in(t *testing.T, test func(p *place)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &place{t: t, dir: t.TempDir(), log: new(testlog.Log), agents: []sample.Sample{{Name: "cpu usage"}}}
		p.restart()
		test(p)
		p.folder.Close()
	})
}

// restart is another process of the agent.
func (p *place) restart() {
	if p.folder != nil {
		p.folder.Close()
	}
	p.folder = own.New(own.Options{Dir: p.dir, Device: "kitchen", Log: slog.New(slog.NewTextHandler(p.log, nil))})
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

// write replaces a file, as of now.
func (p *place) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(p.path(".new"), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.date(".new", time.Now())
	if err := os.Rename(p.path(".new"), p.path(name)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) date(name string, at time.Time) {
	p.t.Helper()
	if err := os.Chtimes(p.path(name), at, at); err != nil {
		p.t.Fatal(err)
	}
}

// look waits for the next report, and returns "NAME VALUE" of each sample, sorted.
func (p *place) look() string {
	p.t.Helper()
	time.Sleep(every)
	all := []string{}
	for _, s := range p.folder.Read(p.t.Context(), p.agents) {
		all = append(all, fmt.Sprintf("%s %g", s.Name, s.Value))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func (p *place) want(want string) {
	p.t.Helper()
	if got := p.look(); got != want {
		p.t.Errorf("got %q, want %q", got, want)
	}
}

// refusal returns the first error that lies beside a file, "" without one.
func (p *place) refusal(name string) string {
	p.t.Helper()
	text, err := os.ReadFile(p.path(name + ".refused"))
	if err != nil {
		return ""
	}
	r, err := sample.DecodeRejection(text)
	if err != nil || len(r.Refused) == 0 {
		p.t.Fatalf("%s: got %q, %v", name, text, err)
	}
	return r.Refused[0].Error
}

func (p *place) wantRefusal(name, want string) {
	p.t.Helper()
	if got := p.refusal(name); !strings.Contains(got, want) || (got == "") != (want == "") {
		p.t.Errorf("%s: got the refusal %q, want %q in it", name, got, want)
	}
}

const door = `{"name":"door","unit":"Count","value":1,"ttl":60}`

func TestFolder_untilTheTTLEnds(t *testing.T) {
	in(t, func(p *place) {
		p.want("")
		p.write("door.json", door)
		for range 3 { // at 15, 30 and 45 s
			p.want("door 1")
		}
		p.want("")
		p.write("door.json", strings.Replace(door, ":1", ":0", 1))
		p.want("door 0")
		if err := os.Remove(p.path("door.json")); err != nil {
			t.Fatal(err)
		}
		p.want("")
		p.write("soil.json", `{"name":"soil","unit":"None","value":31}`)
		n := 0
		for p.look() == "soil 31" {
			n++
		}
		if got := time.Duration(n+1) * every; got != own.DefaultTTL {
			t.Errorf("without a ttl: held for %s, want %s", got, own.DefaultTTL)
		}
	})
}

// A sample's time is that of the look, or the one that it has; then it is given once for each time it is written.
func TestFolder_times(t *testing.T) {
	in(t, func(p *place) {
		p.look()
		at := sample.Seconds(time.Now()) - 100
		p.write("a.json", fmt.Sprintf(`[%s,{"name":"soil","unit":"None","value":"31","time":%f,"ttl":"5m"}]`, door, at))
		time.Sleep(every)
		got := p.folder.Read(p.t.Context(), nil)
		if len(got) != 2 || got[0].Time != sample.Seconds(time.Now()) || got[1].Time != at {
			t.Fatalf("got %+v at %f", got, sample.Seconds(time.Now()))
		}
		p.want("door 1")
		p.write("a.json", fmt.Sprintf(`{"name":"soil","unit":"None","value":32,"timestamp":%f}`, at))
		p.want("soil 32")
		p.want("")
	})
}

// What is written between two looks is given, however short its ttl, and as of when it held.
func TestFolder_shortTTL(t *testing.T) {
	in(t, func(p *place) {
		p.look()
		p.write("a.json", `{"name":"a","unit":"Count","value":1,"ttl":"500ms"}`)
		time.Sleep(every)
		if got := p.folder.Read(p.t.Context(), nil); len(got) != 1 || got[0].Time != sample.Seconds(time.Now().Add(-every)) {
			t.Fatalf("got %+v", got)
		}
		p.want("")
		p.restart() // its first look knows better than to take what is long over
		p.want("")
	})
}

// However the clock was set since a file was written, it holds for its ttl, and no interval longer.
func TestFolder_clockIsSet(t *testing.T) {
	for _, off := range []time.Duration{-10 * 365 * 24 * time.Hour, -time.Hour, time.Hour, 365 * 24 * time.Hour} {
		in(t, func(p *place) {
			p.look()
			p.write("door.json", door)
			p.date("door.json", time.Now().Add(off))
			n := 0
			for p.look() == "door 1" {
				n++
			}
			if n != 3 && n != 4 {
				t.Errorf("clock off by %s: given %d times, want 3 or 4", off, n)
			}
		})
	}
}

// An agent that is started goes by the date of a file.
func TestFolder_firstLook(t *testing.T) {
	in(t, func(p *place) {
		p.write("old.json", strings.ReplaceAll(door, "door", "old"))
		p.date("old.json", time.Now().Add(-time.Hour))
		p.write("new.json", strings.ReplaceAll(door, "door", "new"))
		p.write("future.json", strings.ReplaceAll(door, "door", "future"))
		p.date("future.json", time.Now().Add(time.Hour))
		p.want("future 1, new 1")
		p.restart()
		p.want("future 1, new 1")
	})
}

// An absent folder is nothing to tell; one that comes, goes and comes again is read whenever it is there.
func TestFolder_comesAndGoes(t *testing.T) {
	in(t, func(p *place) {
		dir := p.dir
		for range 2 {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			p.want("")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			p.want("")
			p.write("door.json", door)
			p.write("bad.json", "[]")
			p.want("door 1")
			p.wantRefusal("bad.json", "empty array")
		}
		if n := p.log.Count(); n != 1 {
			t.Errorf("got %d lines, want one of the refusal:\n%s", n, p.log)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			p.want("")
		}
		if n := p.log.Count("cannot be"); n != 1 {
			t.Errorf("a file in the folder's place: told %d times, want once:\n%s", n, p.log)
		}
		if err := os.Remove(dir); err != nil { // for the clean-up
			t.Fatal(err)
		}
	})
}

// Who only looks writes nothing.
func TestFolder_quiet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bad.json"), []byte(`[{"name":"x"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	f := own.New(own.Options{Dir: dir, Quiet: true, Log: slog.New(slog.DiscardHandler)})
	got := f.Look(t.Context(), nil)
	if len(got) != 1 || got[0].File != "bad.json" || got[0].CountRefused() != 1 {
		t.Errorf("got %+v", got)
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("got %v, %v", all, err)
	}
	if got := own.New(own.Options{}).Read(context.Background(), nil); got != nil {
		t.Errorf("without a folder: got %v", got)
	}
}
