package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"piway/gateway/control"
	"piway/shared/config"
)

// ErrNotRunning is in the error of asking a gateway that does not run.
var ErrNotRunning = control.ErrNotRunning

// Health prints one line that begins with "ok", or returns why the gateway of a data folder does not do its work.
func Health(ctx context.Context, dataDir string, out io.Writer) error {
	var line string
	if err := control.Call(ctx, dataDir, "GET", "/healthz", nil, &line); err != nil {
		return unanswered(ctx, dataDir, err)
	}
	_, err := fmt.Fprintln(out, line)
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
		return config.Try(none, "sudo systemctl start piway-gateway, or without systemd piway-gateway run; sudo journalctl -u "+
			"piway-gateway says why one has ended")
	}
	return errors.New("a gateway has this data folder: " + doing)
}
