// Command outage runs the same outage against Piway and against others that bridge a LAN's MQTT to AWS, and counts what
// became of every sample.
//
// Its one promise: a sample counts as lost when its Pi got a PUBACK for it and it never came to CloudWatch, and as
// nothing else; each has an identity, so the figures are exact.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"piway/proof/world"
	"piway/shared/cli"
)

const description = `The same outage for Piway, for Mosquitto's bridge and for Telegraf, and a table of what became of every sample.

While AWS is away, simulated Pis send the load of an hour or a day, as fast as it is taken; each sample has its PUBACK before the next is sent. In the middle, SIGKILL ends the process that forwards, and it is started again. Then AWS comes back, the Pis go on in real time, and each datum that CloudWatch takes is counted. AWS is localcore: like AWS, it silently discards publishes over 100 a second.

  delivered   samples that came to CloudWatch
  lost        a Pi got a PUBACK, and the sample never came
  twice       samples that came again, each time counted
  held        came only when this program lifted AWS's rate and cut the connection
  reconnect   from AWS's return to the first sample
  drain       from there to the last one of the backlog
  written     by the peer's processes to disk (write_bytes of /proc/PID/io)
  late        the latest live sample, after its window's end
  throttled   messages that AWS discarded, because more than 100 came in a second

Examples:

  go run ./proof/outage                                    an hour, all peers that are installed
  go run ./proof/outage --hours 24 --peers piway-metric    a day: a quarter of an hour
  go run ./proof/outage --kill outage,drain --peers mosquitto-durable,mosquitto-paced`

type command struct {
	Hours     []float64     `help:"Hours of load while AWS is away; each makes a row of each peer." default:"1"`
	Peers     []string      `help:"Which peers. Default: all, ${peers}."`
	Kill      []string      `help:"When the forwarding process is killed: in the middle of the outage, of the drain, or none." enum:"outage,drain,none" default:"outage"`
	Pis       int           `help:"Number of Pis." default:"10"`
	Metrics   int           `help:"Metrics of each Pi." default:"4"`
	Every     time.Duration `help:"Time between two samples of a metric." default:"15s"`
	Window    time.Duration `help:"Piway's rollup.window, at most four samples long." default:"60s"`
	NoLive    bool          `help:"The Pis fall silent when AWS comes back."`
	RoundTrip time.Duration `help:"How long AWS's PUBACK takes." default:"20ms"`
	Quiet     time.Duration `help:"After this silence a peer has stalled." default:"3m"`
	AtMost    time.Duration `help:"The longest drain that is measured; then AWS's rate is lifted to count the rest." default:"15m"`
	Gateway   string        `help:"The program piway-gateway. Default: build it." placeholder:"FILE" type:"existingfile"`
	Telegraf  string        `help:"The program telegraf. Default: look on the PATH." placeholder:"FILE" type:"existingfile"`
	Verbose   bool          `help:"Log what the programs say." short:"v"`
}

func main() { program().Main() }

func program() cli.Program {
	return cli.Program{
		Name: "outage", Description: description, Commands: &command{},
		Vars: map[string]string{"peers": strings.Join(peerNames(), ", ")},
	}
}

func allPeers() []peer { return slices.Concat(piwayPeers(), mosquittoPeers(), telegrafPeers()) }

func peerNames() (names []string) {
	for _, p := range allPeers() {
		names = append(names, p.name)
	}
	return names
}

// Run runs all rows and prints the table.
func (c *command) Run(ctx context.Context, out io.Writer) (err error) {
	plans, err := c.plans()
	if err != nil {
		return err
	}
	peers, err := c.chosen()
	if err != nil {
		return err
	}
	prog, err := c.find(ctx)
	if err != nil {
		return err
	}
	log := world.NewLog(io.Discard)
	if c.Verbose {
		log = world.NewLog(os.Stderr)
	}
	var results []result
	var ran []peer
	for _, p := range peers {
		if why := prog.lack(p); why != "" {
			_, _ = fmt.Fprintf(out, "%s left out: %s\n", p.name, why)
			continue
		}
		ran = append(ran, p)
		for _, plan := range plans {
			say := func(format string, args ...any) {
				_, _ = fmt.Fprintf(out, "%s %s, %s: %s\n", time.Now().Format(time.TimeOnly), p.name, plan.span,
					fmt.Sprintf(format, args...))
			}
			res, err := runRow(ctx, plan, p, prog, log, say)
			if err != nil {
				return err
			}
			say("%d delivered, %d lost, %d twice", res.counts.Delivered, res.counts.Lost, res.counts.Twice)
			results = append(results, res)
		}
	}
	return printTable(out, ran, results)
}

// plans are those of the command line, one for each number of hours.
func (c *command) plans() (plans []plan, err error) {
	l := load{pis: c.Pis, metrics: c.Metrics, every: c.Every, window: c.Window}
	if err := l.validate(); err != nil {
		return nil, err
	}
	if c.Pis < 1 || c.Pis > 100 || c.Metrics < 1 || c.Metrics > 50 {
		return nil, fmt.Errorf("--pis and --metrics: must be 1 to 100 and 1 to 50, got %d and %d", c.Pis, c.Metrics)
	}
	kills := c.Kill
	if slices.Contains(kills, "none") {
		kills = nil
	}
	for _, hours := range c.Hours {
		span := time.Duration(hours * float64(time.Hour)).Truncate(c.Window)
		if span < c.Window || span > 13*24*time.Hour {
			return nil, fmt.Errorf("--hours: must be between a window (%s) and 312, got %g", c.Window, hours)
		}
		plans = append(plans, plan{
			load: l, span: span, kills: kills, live: !c.NoLive, roundTrip: c.RoundTrip, quiet: c.Quiet, atMost: c.AtMost,
		})
	}
	return plans, nil
}

func (c *command) chosen() ([]peer, error) {
	all := allPeers()
	if len(c.Peers) == 0 {
		return all, nil
	}
	var some []peer
	for _, name := range c.Peers {
		i := slices.IndexFunc(all, func(p peer) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("--peers: %q is not known, try some of %s", name, strings.Join(peerNames(), ", "))
		}
		some = append(some, all[i])
	}
	return some, nil
}

// find looks for the programs, and builds Piway's.
func (c *command) find(ctx context.Context) (p programs, err error) {
	p = programs{
		gateway: c.Gateway, mosquitto: world.LookTool("mosquitto"),
		telegraf: cmp.Or(c.Telegraf, world.LookTool("telegraf")),
	}
	if p.gateway == "" {
		built, err := world.Build(ctx)
		if err != nil {
			return p, fmt.Errorf("%w, try --gateway FILE", err)
		}
		p.gateway = built.Gateway
	}
	return p, nil
}

// lack says which program of a peer is missing, "" if none is.
func (p programs) lack(who peer) string {
	for _, need := range who.needs {
		switch {
		case need == "mosquitto" && p.mosquitto == "":
			return "mosquitto is not installed (Debian: apt install mosquitto)"
		case need == "telegraf" && p.telegraf == "":
			return "telegraf is not installed (docs/outage.md says how to build it)"
		}
	}
	return ""
}
