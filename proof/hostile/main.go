// Command hostile runs the real gateway with honest devices, and attacks it with raw sockets, with a password and
// without one: what it costs the honest devices, the gateway and the bill is counted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"piway/proof/world"
	"piway/shared/cli"
)

const description = `Attacks a gateway, and counts what that costs the others.

Twenty honest devices send a report a second; four of them log in anew for each. Phase by phase, each with a gateway of its own, hostile clients do what they can, held to half a core: without a password, and with one. A row for each:

  connections   that the attack got, and packets that it sent
  let in        of the hostile, where nobody may come in
  join          how long it took somebody to join who was invited
  acks          acknowledgements that the honest devices got
  missing       reports that were not acknowledged until a minute after the attack
  lost          samples that were acknowledged and not in the cloud by then, or are wrong there
  p99           of the acknowledgements, from when a report was due
  delay         of the latest sample to the cloud, beyond its window
  dropped       samples of honest devices, by the gateway's ledger
  MiB           resident memory of the gateway: before, at most during, and after
  descriptors   that the gateway has open: before and after
  log           KB, of the whole phase
  datums        of the hostile at AWS, and the metrics that they are of

A bar that does not hold is marked with !, one that is known not to hold yet with ?.

Examples:

  hostile                                     all phases, some minutes
  hostile --only sockets --for 1m
  hostile --for 2s --assert                   as the continuous integration does`

type options struct {
	For     time.Duration `help:"How long each attack goes on." default:"15s"`
	After   time.Duration `help:"How long memory may take to be as it was." default:"2m"`
	Only    string        `help:"Only phases whose name holds this text." placeholder:"TEXT"`
	Assert  bool          `help:"Fail where a bar does not hold that is no time, or one holds that is known not to."`
	Here    bool          `help:"On this machine's loopback, not in a network namespace of its own."`
	Keep    bool          `help:"Keep the folder of a phase that held all bars as well."`
	Verbose bool          `short:"v" help:"Print what the programs log."`
}

func main() { program().Main() }

func program() cli.Program {
	return cli.Program{Name: "hostile", Description: description, Commands: &options{}}
}

// Run does what the options say.
func (o *options) Run(ctx context.Context, out io.Writer) error {
	chosen := slices.DeleteFunc(slices.Clone(phases), func(p phase) bool { return !strings.Contains(p.name, o.Only) })
	if len(chosen) == 0 {
		return fmt.Errorf("no phase has %q in its name", o.Only)
	}
	p, err := world.Build(ctx)
	if err != nil {
		return err
	}
	if !o.Here {
		ran, err := apart(ctx, out)
		if ran {
			return err
		}
		_, _ = fmt.Fprintf(out, "on this machine's loopback: %v\n", err)
	}
	if err := loopback(); err != nil {
		return err
	}
	var results []*result
	for _, phase := range chosen {
		r, err := o.one(ctx, p, phase, out)
		if err != nil {
			return fmt.Errorf("%s: %w", phase.name, err)
		}
		results = append(results, r)
		if len(results) == 1 {
			_, _ = fmt.Fprintln(out, header())
		}
		_, _ = fmt.Fprintln(out, r.row())
	}
	return o.judge(results, out)
}

// one is a phase, in a folder of its own. The folder stays where a bar does not hold that is no time, and nobody knew.
func (o *options) one(ctx context.Context, p world.Programs, phase phase, out io.Writer) (r *result, err error) {
	err = world.InFolder("hostile", o.Keep, o.Verbose, out, func(dir string, log *world.Log) error {
		s, err := open(ctx, dir, p, phase, log)
		if err != nil {
			return err
		}
		defer s.close()
		if r, err = s.run(ctx, *o); err == nil && len(r.unexpected(io.Discard)) > 0 {
			return errBroken
		}
		return err
	})
	if errors.Is(err, errBroken) {
		err = nil
	}
	return r, err
}

var errBroken = errors.New("a bar does not hold")
