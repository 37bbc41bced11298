// Command powercut cuts the power of a virtual machine in which Piway's gateway, or its agent, works, and counts after
// the next start what became of that which it had promised to keep.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"piway/proof/powercut/vm"
	"piway/shared/cli"
)

const description = `Cuts the power of a virtual machine in which the gateway (or the agent) works, and counts what is left.

The machine is QEMU's, with a Debian kernel and ext4 on a disk whose cache is volatile. Devices outside send reports. At a random moment SIGKILL ends QEMU, and a part of what the disk had not flushed is dropped. After the next start each acknowledged report must come to CloudWatch. With --errors, writes to the disk fail shortly before the cut: to all files or to the log, for half a second to a second or until the cut. Now and then the gateway is killed as well.

Example:

  go run ./proof/powercut --cuts 10 --errors`

type options struct {
	What    string   `help:"What is in the machine: gateway or agent." enum:"gateway,agent" default:"gateway"`
	Seed    uint64   `help:"Decides the schedule." default:"1"`
	Cuts    int      `help:"Number of power cuts." default:"10"`
	Errors  bool     `help:"Let writes fail before each cut."`
	Gateway string   `help:"Another gateway to try, built with CGO_ENABLED=0." placeholder:"FILE" type:"existingfile"`
	Agent   string   `help:"Another agent to try, built with CGO_ENABLED=0." placeholder:"FILE" type:"existingfile"`
	Keep    bool     `help:"Keep the folder even if the run succeeds."`
	Verbose bool     `short:"v" help:"Print what the programs log."`
	Extents []string `hidden:"" help:"Print where files lie on their disk; used inside the machine."`
}

func main() { program().Main() }

func program() cli.Program {
	return cli.Program{Name: "powercut", Description: description, Commands: &options{}}
}

// Run does what the options say.
func (o *options) Run(ctx context.Context, out io.Writer) (err error) {
	if len(o.Extents) > 0 {
		return vm.PrintExtents(out, o.Extents)
	}
	t, err := vm.FindTools(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "piway-powercut-")
	if err != nil {
		return err
	}
	logs, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer func() {
		_ = logs.Close() // for who looks on
		if err == nil && !o.Keep {
			_ = os.RemoveAll(dir) // what is left is harmless
			return
		}
		_, _ = fmt.Fprintf(out, "kept: %s\n", dir)
	}()
	var log io.Writer = logs
	if o.Verbose {
		log = io.MultiWriter(logs, out)
	}
	return cuts(ctx, dir, t, *o, &timed{to: log}, out)
}

// programs are those to run: gateway and agent in the machine, where self helps.
type programs struct{ agent, gateway, localcore, self string }

// build makes them, without what the machine has not: a C library.
func build(ctx context.Context, dir string, o options) (p programs, err error) {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir, //nolint:gosec // the folder is ours
		"piway/agent", "piway/gateway", "piway/localcore", "piway/proof/powercut")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return p, fmt.Errorf("building the programs: %w: %s", err, text)
	}
	p = programs{filepath.Join(dir, "agent"), filepath.Join(dir, "gateway"), filepath.Join(dir, "localcore"), filepath.Join(dir, "powercut")}
	if o.Gateway != "" {
		p.gateway = o.Gateway
	}
	if o.Agent != "" {
		p.agent = o.Agent
	}
	return p, nil
}

// A trial is what is tried: it follows the plan, cuts the power, starts again and counts.
type trial interface {
	cut(ctx context.Context, p plan, m *misfortune) (verdict, error)
	close()
}

// cuts tries one after the other on the same disk, and prints a row for each.
func cuts(ctx context.Context, dir string, t vm.Tools, o options, log io.Writer, out io.Writer) error {
	p, err := build(ctx, dir, o)
	if err != nil {
		return err
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(log, "powercut: "+format+"\n", args...) } // for who looks on
	open := openGateway
	if o.What == "agent" {
		open = openAgent
	}
	tried, err := open(ctx, dir, t, p, log)
	if err != nil {
		return err
	}
	defer tried.close()
	_, _ = fmt.Fprintln(out, "| cut | errors | writes failed | also | sectors lost | promised | lost | twice | wrong |\n|---|---|---:|---|---:|---:|---:|---:|---:|")
	row := func(cut, errors, also string, m *misfortune, v verdict) {
		_, _ = fmt.Fprintf(out, "| %s | %s | %d | %s | %d | %d | %d | %d | %d |\n", cut, errors, m.failed, also, m.sectors, v.acked, v.lost, v.twice, v.wrong)
	}
	var sum verdict
	all := &misfortune{}
	for i := range o.Cuts {
		plan, chance := makePlan(o.Seed, i, o.Errors)
		if o.What == "agent" {
			plan = plan.forAgent(i)
		}
		say("cut %d: %s", i+1, plan)
		m := &misfortune{chance: chance, say: say}
		v, err := tried.cut(ctx, plan, m)
		if err != nil {
			return fmt.Errorf("cut %d (%s): %w", i+1, plan, err)
		}
		row(fmt.Sprint(i+1), plan.errors, beside(plan, m), m, v)
		sum = verdict{sum.acked + v.acked, sum.lost + v.lost, sum.twice + v.twice, sum.wrong + v.wrong, v.first}
		all.failed, all.sectors = all.failed+m.failed, all.sectors+m.sectors
	}
	row("all", "", "", all, sum)
	if sum.lost+sum.wrong > 0 {
		return fmt.Errorf("%d of %d are lost and %d wrong, among them: %s", sum.lost, sum.acked, sum.wrong, sum.first)
	}
	if sum.acked == 0 {
		return errors.New("nothing was acknowledged")
	}
	return nil
}

// beside is what else went wrong, in a word or two.
func beside(p plan, m *misfortune) string {
	var all []string
	for _, what := range []struct {
		so   bool
		text string
	}{{m.stopped, "ext4 stopped"}, {p.kill, "program ended"}, {p.again, "cut again"}} {
		if what.so {
			all = append(all, what.text)
		}
	}
	return strings.Join(all, ", ")
}

// timed writes whole lines, each behind the time of the day.
type timed struct {
	mu sync.Mutex // guards to
	to io.Writer
}

func (t *timed) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for line := range bytes.Lines(text) {
		if _, err := fmt.Fprintf(t.to, "%s %s", time.Now().Format("15:04:05.000"), line); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}
