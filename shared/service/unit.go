package service

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"piway/shared/backoff"
)

// A Unit is a service of systemd's, as it was when it was looked at.
type Unit struct {
	// Active says that its program runs.
	Active bool
	// Enabled is UnitFileState of systemd, such as "enabled" or "disabled".
	Enabled string
	// User is whom it runs as, "" for root.
	User string

	state, result, status, pid string // as systemd says
	notifies                   bool   // it says when it is ready
	reload                     bool   // its file has changed since it was read
}

// Idle reports whether the unit neither runs, nor will at once or at the next boot.
func (u *Unit) Idle() bool {
	return (u.state == "inactive" || u.state == "failed") && u.Enabled != "enabled"
}

// A machine is what is asked about one.
type machine struct {
	booted string // the folder that is there where systemd runs the machine, sd_booted(3)
	uid    int
	steady time.Duration
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
}

var theMachine = machine{"/run/systemd/system", os.Geteuid(), steady, time.Now, backoff.Sleep}

// answerTime bounds what is only asked. A start has the bound of its unit.
const answerTime = 20 * time.Second

// properties are what is asked of a unit.
const properties = "LoadState,ActiveState,SubState,UnitFileState,ExecStart,MainPID,Type,Result,ExecMainStatus,User,NeedDaemonReload"

func (m machine) look(ctx context.Context, name, configuration string) (*Unit, error) {
	if m.uid != 0 {
		return nil, nil
	}
	if info, err := os.Stat(m.booted); err != nil || !info.IsDir() {
		return nil, nil
	}
	asking, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	text, err := output(asking, "systemctl", "show", "--property="+properties, name+".service")
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	p := parse(text)
	if err != nil || p["LoadState"] != "loaded" || !runs(p["ExecStart"], configuration) {
		return nil, nil // who cannot be asked can be told nothing: a person will see why
	}
	return &Unit{
		Active: p["ActiveState"] == "active", Enabled: p["UnitFileState"], User: p["User"],
		state: p["ActiveState"], result: p["Result"], status: p["ExecMainStatus"], pid: p["MainPID"],
		notifies: p["Type"] == "notify", reload: p["NeedDaemonReload"] == "yes",
	}, nil
}

// parse reads the lines NAME=VALUE. Of a name that comes twice the first counts.
func parse(text []byte) map[string]string {
	p := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if _, twice := p[name]; ok && !twice {
			p[name] = value
		}
	}
	return p
}

// runs reports whether a unit's ExecStart has the configuration file as the value of --config. systemd shows it as
// "{ path=P ; argv[]=P run --config FILE ; ignore_errors=no ; … }", the arguments without quotes.
func runs(execStart, configuration string) bool {
	_, rest, ok := strings.Cut(execStart, "argv[]=")
	args, _, _ := strings.Cut(rest, " ; ")
	if !ok {
		return false
	}
	words := strings.Fields(args)
	for i, w := range words {
		file, is := strings.CutPrefix(w, "--config=")
		if w == "--config" && i+1 < len(words) {
			file, is = words[i+1], true
		}
		if is {
			return samePath(file, configuration)
		}
	}
	return false
}

// samePath reports whether two paths, of which the unit's is absolute, lead to one file.
func samePath(unit, here string) bool {
	here, err := filepath.Abs(here)
	if err != nil || !filepath.IsAbs(unit) {
		return false
	}
	if filepath.Clean(unit) == here {
		return true
	}
	a, aErr := os.Stat(unit)
	b, bErr := os.Stat(here)
	return aErr == nil && bErr == nil && os.SameFile(a, b)
}

// run shows a command of systemctl and runs it.
func (m machine) run(ctx context.Context, out io.Writer, args ...string) error {
	_, _ = fmt.Fprintln(out, "$ systemctl", strings.Join(args, " ")) // what is done does not depend on who listens
	_, err := output(ctx, "systemctl", args...)
	return err
}

// journalLines is how much of the journal is shown of a start that failed.
const journalLines = "8"

// journal shows what the program said last, if the journal can be read.
func (m machine) journal(ctx context.Context, out io.Writer, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer cancel()
	text, err := output(ctx, "journalctl", "--unit="+name+".service", "--lines="+journalLines, "--no-pager", "--output=cat")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(text)) {
		_, _ = fmt.Fprintln(out, "  "+strings.TrimRight(line, "\r\n")) // as run
	}
}

// maxOutput bounds what is kept of what a foreign program says.
const maxOutput = 64 << 10

// output runs a program that asks nothing, and returns what it said. Its error has what it said on standard error.
func output(ctx context.Context, program string, args ...string) ([]byte, error) {
	var out, said bounded
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.WaitDelay = time.Second // a grandchild may hold the pipes
	err := cmd.Run()
	switch text := strings.TrimSpace(said.String()); {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && text != "":
		return nil, fmt.Errorf("%s %s: %s (%w)", program, args[0], text, err)
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", program, args[0], err)
	}
	return out.Bytes(), nil
}

// bounded keeps the beginning of what is written.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	_, _ = b.Buffer.Write(p[:min(len(p), maxOutput-b.Len())]) // never fails
	return len(p), nil
}
