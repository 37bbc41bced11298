package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"piway/gateway/control"
	"piway/shared/config"
)

// ill says why the gateway does not do its work, "" if it does. That AWS is away is no illness: the samples are kept.
func (g *gateway) ill() string {
	var why []string
	if trouble := g.queue.Trouble(); trouble != "" {
		why = append(why, trouble)
	}
	if late := g.watch.late(); late != "" {
		why = append(why, "the "+late+" does not move")
	}
	return strings.Join(why, "; ")
}

// healthz answers 200 "ok", or 503 and the reason.
func (g *gateway) healthz(w http.ResponseWriter, r *http.Request) {
	if why := g.ill(); why != "" {
		http.Error(w, why, http.StatusServiceUnavailable)
		return
	}
	control.Reply(w, "ok, "+g.statusLine(r.Context()))
}

type healthCmd struct {
	configFile
}

// Help is the longer help of the command.
func (*healthCmd) Help() string {
	return `Asks the running gateway whether it stores what it is sent and all of it moves. Prints one line that begins with "ok", or
exits with 1 and the reason: a full or read-only disk, a part that stands still, or no gateway that answers. A gateway that
waits for its disk says so, and what to do.

Example:

  piway-gateway health --config gateway.yaml`
}

// Run shows the health.
func (c *healthCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	var line string
	err = control.Call(ctx, cfg.Data.Dir, "GET", "/healthz", nil, &line)
	if err != nil {
		return unanswered(ctx, cfg.Data.Dir, err)
	}
	_, err = fmt.Fprintln(out, line)
	return err
}

// unanswered finds out why the control socket gave no good answer: the gateway may run without it.
func unanswered(ctx context.Context, dataDir string, err error) error {
	op, noDial := errors.AsType[*net.OpError](err)
	noDial = noDial && op.Op == "dial"
	if !noDial && !errors.Is(err, control.ErrNotRunning) {
		return err
	}
	doing, none := control.Standing(ctx, dataDir)
	if none != nil {
		return config.Try(none, "start the gateway; one that runs as another user answers sudo")
	}
	return errors.New("a gateway has this data folder: " + doing)
}
