// Command chaos runs Piway as real processes, breaks them and the lines between them by a schedule from a seed, and
// then holds every sample that was acknowledged to have come to CloudWatch.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"piway/proof/world"
	"piway/shared/cli"
)

const description = `Breaks Piway by a schedule from a seed, and counts what became of every sample.

Agents, gateway and localcore run as real processes. Devices send samples, each of which can be told from all others. Three tracks of events run at the same time:

  processes    SIGKILL; clocks that are stepped or start wrong; as root, a full disk;
               with /dev/fuse, a disk that fails, or loses in a power cut what was not synced
  lines        resets and black holes; AWS withholds, delays, closes and refuses
  agents' LAN  stalls

Then everything is healed and the backlog drains. Each acknowledged sample must have come to CloudWatch, with its value, name and time. An agent's readings must have the time at which they were made. Duplicates must stay within the in-flight window of each connection. The ledger must balance.

Example:

  go run ./proof/chaos --seed 7 --for 10m`

type options struct {
	Seed     uint64        `help:"Decides the schedule." default:"1"`
	Runs     int           `help:"Number of runs, with this seed and those that follow." default:"1" placeholder:"N"`
	For      time.Duration `help:"How long things go wrong in each run." default:"1m"`
	Drain    time.Duration `help:"How long the backlog may then take." default:"2m"`
	Devices  int           `help:"Number of simulated devices, 20 samples a second each." default:"2"`
	Agents   int           `help:"Number of real agents." default:"2"`
	Form     string        `help:"metric or emf." enum:"metric,emf" default:"metric"`
	Upstream string        `help:"What takes AWS's place: localcore, or Debian's mosquitto (metric form only)." enum:"localcore,mosquitto" default:"localcore"`
	Only     string        `help:"Only events whose name holds this text." placeholder:"TEXT"`
	Flips    bool          `help:"Also flip bits in the store's log while the gateway is dead. The ledger must then tell what is lost."`
	Keep     bool          `help:"Keep the folder even if the run succeeds."`
	Verbose  bool          `short:"v" help:"Print what the programs log."`
}

func main() { program().Main() }

func program() cli.Program {
	return cli.Program{Name: "chaos", Description: description, Commands: &options{}}
}

// Run does what the options say.
func (o *options) Run(ctx context.Context, out io.Writer) error {
	if o.Upstream == mosquittoUpstream && o.Form != "metric" {
		return errors.New("mosquitto has no rule that takes the emf form apart, try: --form metric")
	}
	p, err := world.Build(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for i := range o.Runs {
		each := *o
		each.Seed += uint64(i)
		err := world.InFolder("chaos", o.Keep, o.Verbose, out, func(dir string, log *world.Log) error {
			return one(ctx, dir, p, each, log, out)
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("seed %d: %w", each.Seed, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

// one is a run in a folder.
func one(ctx context.Context, dir string, p world.Programs, o options, log *world.Log, out io.Writer) error {
	w, err := open(ctx, dir, p, o, log)
	if err != nil {
		return err
	}
	defer w.close()
	if w.disk.faults == nil {
		_, _ = fmt.Fprintf(out, "left out: disk errors, power cuts and the times of the agents' readings: %s\n", w.disk.why)
	}
	r, err := w.chaos(ctx, o, log.Of("chaos"))
	if err != nil {
		return err
	}
	r.print(out, o)
	return r.check(o)
}
