package own

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"

	"piway/shared/sample"
	"piway/shared/tell"
)

// patience is how long a look may take before the report goes without it: the folder may be on a network mount.
const patience = 5 * time.Second

// Options say where to look.
type Options struct {
	// Dir is the folder, "" for none.
	Dir string
	// Device is the name that is cut off from metrics, as in "door (DEVICE)".
	Device string
	// Quiet is for who only looks: no refusals are written.
	Quiet bool
	// Log must be set.
	Log *slog.Logger
}

// A Folder is where others put their readings. It is not safe for concurrent use.
type Folder struct {
	opt    Options
	log    *tell.Teller
	agents map[string]bool // folded names that are the agent's

	// What follows belongs to the look under way.
	files     []*entry  // those known, in the order in which they came
	looked    time.Time // when the last look began, zero before the first
	complaint string    // of the folder, told last

	running chan []Outcome // the look under way, nil if there is none
}

// New returns a folder at which nobody has looked yet.
func New(opt Options) *Folder {
	return &Folder{opt: opt, log: tell.New(opt.Log), agents: map[string]bool{}}
}

// Close tells what was counted and not told.
func (f *Folder) Close() { f.log.Close() }

// An Outcome is what a file gave at one look.
type Outcome struct {
	File string
	// Samples that hold, with their times.
	Samples []sample.Sample
	// Refusals are of the others, but for those that hold no more, or were given before.
	sample.Refusals
}

// Read looks at the files and returns the samples that hold, with their times. agents are what the agent has read
// itself: their names are its own from then on. It returns within 5 s, or when ctx ends.
func (f *Folder) Read(ctx context.Context, agents []sample.Sample) (samples []sample.Sample) {
	for _, o := range f.Look(ctx, agents) {
		samples = append(samples, o.Samples...)
	}
	return samples
}

// Look is Read that returns what each file gave.
func (f *Folder) Look(ctx context.Context, agents []sample.Sample) []Outcome {
	if f.opt.Dir == "" {
		return nil
	}
	for i := range agents {
		f.agents[folded(agents[i].Name)] = true
	}
	if f.running == nil {
		f.running = make(chan []Outcome, 1)
		names := make(map[string]bool, len(f.agents))
		for name := range f.agents {
			names[name] = true
		}
		go f.start(names, f.running)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case outcomes := <-f.running:
		f.running = nil
		return outcomes
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			f.log.Tell(slog.LevelWarn, f.opt.Dir, "looking for own readings hangs", "folder", f.opt.Dir)
		}
		return nil
	}
}

// start is one look, in a goroutine: a system call on a dead mount cannot be interrupted. While one hangs no other is
// begun.
func (f *Folder) start(agents map[string]bool, done chan<- []Outcome) {
	l := f.begin()
	f.find(l)
	j := judge{look: l, agents: agents, owners: map[string]string{}}
	var outcomes []Outcome
	for _, e := range f.files {
		o := j.judge(e)
		f.tell(e, o)
		outcomes = append(outcomes, o)
	}
	f.looked = l.now
	done <- outcomes
}

// find brings the known files up to date. Those that were known come first, however many others there are.
func (f *Folder) find(l look) {
	dir, err := os.OpenFile(f.opt.Dir, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	f.complain(err)
	if err != nil {
		f.files = nil
		return
	}
	defer func() { _ = dir.Close() }() // only read
	names := f.list(dir)
	var files []*entry
	for _, e := range f.files {
		if e.look(l) {
			files = append(files, e)
		} else {
			f.forget(e.name)
		}
	}
	for _, name := range names {
		if e := (&entry{name: name}); e.look(l) {
			files = append(files, e)
		}
	}
	f.files = files
}

// complain tells why there is no folder, once per change. That there is none is no fault: nobody has made one.
func (f *Folder) complain(err error) {
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	was := f.complaint
	if f.complaint = ""; err != nil {
		f.complaint = err.Error()
	}
	if f.complaint != "" && f.complaint != was {
		f.log.Tell(slog.LevelWarn, f.opt.Dir, "own readings cannot be read", "err", err)
	}
}

// folded is a name as the gateway compares them.
func folded(name string) string { return strings.ToLower(strings.TrimSpace(name)) }
