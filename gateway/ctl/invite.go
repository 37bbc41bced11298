package ctl

import (
	"context"
	"fmt"
	"io"
)

// Invite prints a line to paste for each name. What there is to know beside it goes to note: start is the command that
// starts a gateway which does not run.
func Invite(
	ctx context.Context, list Devices, names []string, replace, asJSON bool, start string, out, note io.Writer,
) error {
	all, err := list.Invite(ctx, names, replace)
	if err != nil {
		return err
	}
	type invited struct {
		Device  string `json:"device"`
		Token   string `json:"token"`
		Command string `json:"command"`
	}
	shown := []invited{}
	for _, t := range all {
		i := invited{t.Device, t.Token, "sudo piway-agent join " + t.Token}
		shown = append(shown, i)
		if asJSON {
			continue
		}
		mark := ""
		if len(all) > 1 {
			mark = " # " + t.Device
		}
		if _, err := fmt.Fprintf(out, "%s%s\n", i.Command, mark); err != nil {
			return err
		}
	}
	if asJSON {
		return JSON(out, shown)
	}
	if !list.Running() {
		_, _ = fmt.Fprintf(note, "the gateway does not run; first %s\n", start)
	}
	_, err = fmt.Fprintln(note, "paste it on the device within an hour; it works once, and is as good as a password until then")
	return err
}
