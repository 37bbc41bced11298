// Command powercut cuts the power of a virtual machine in which Piway's gateway, or its agent, works, and counts after
// the next start what became of that which it had promised to keep.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"piway/proof/powercut/vm"
	"piway/proof/world"
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
	p, self, err := world.BuildStatic(ctx, "piway/proof/powercut")
	if err != nil {
		return err
	}
	p.Gateway, p.Agent = cmp.Or(o.Gateway, p.Gateway), cmp.Or(o.Agent, p.Agent)
	return world.InFolder("powercut", o.Keep, o.Verbose, out, func(dir string, log *world.Log) error {
		open := openGateway
		if o.What == "agent" {
			open = openAgent
		}
		tried, err := open(ctx, dir, t, p, self, log)
		if err != nil {
			return err
		}
		defer tried.close()
		return cuts(ctx, tried, *o, log.Of("powercut"), out)
	})
}

// A trial is what is tried: it follows the plan, cuts the power, starts again and counts.
type trial interface {
	cut(ctx context.Context, p plan, m *misfortune) (world.Verdict, error)
	close()
}

// cuts tries one after the other on the same disk, and prints a row for each.
func cuts(ctx context.Context, tried trial, o options, log io.Writer, out io.Writer) error {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(log, format+"\n", args...) } // for who looks on
	_, _ = fmt.Fprintln(out, "| cut | errors | writes failed | also | sectors lost | promised | lost | twice | wrong "+
		"|\n|---|---|---:|---|---:|---:|---:|---:|---:|")
	row := func(cut, errors, also string, m *misfortune, v world.Verdict) {
		_, _ = fmt.Fprintf(out, "| %s | %s | %d | %s | %d | %d | %d | %d | %d |\n", cut, errors, m.failed, also, m.sectors,
			v.Acked, v.Lost, v.Twice, v.Wrong)
	}
	var sum world.Verdict
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
		sum = sum.Plus(v)
		all.failed, all.sectors = all.failed+m.failed, all.sectors+m.sectors
	}
	row("all", "", "", all, sum)
	if sum.Lost+sum.Wrong > 0 {
		return fmt.Errorf("%d of %d are lost and %d wrong, among them: %s", sum.Lost, sum.Acked, sum.Wrong,
			cmp.Or(sum.FirstLost, sum.FirstWrong))
	}
	if sum.Acked == 0 {
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
