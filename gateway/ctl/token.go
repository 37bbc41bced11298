package ctl

import (
	"context"
	"fmt"
	"io"
	"slices"

	"piway/gateway/devices"
	"piway/shared/config"
	"piway/shared/files"
)

// InviteToFile invites one device and puts its token into a file of mode 0600, in place of what is there. With keep a
// device that has a key, or is revoked, stays as it is, and one that has a password is invited to bring a key. nil means
// that the invitation and the file are on disk, or that there was nothing to do.
func InviteToFile(ctx context.Context, list Devices, name string, replace, keep bool, file string, out io.Writer) error {
	if keep {
		all, err := list.All(ctx)
		if err != nil {
			return err
		}
		if n := slices.IndexFunc(all, func(e devices.Entry) bool {
			return e.Name == name && e.State != devices.StateInvited
		}); n >= 0 {
			if all[n].Kind == devices.KindKey || all[n].State == devices.StateRevoked {
				_, err := fmt.Fprintf(out, "%s is on the list already; nothing is changed\n", name)
				return err
			}
			replace = true
		}
	}
	if err := files.CanRewrite(file); err != nil { // before anybody is invited
		return config.Try(fmt.Errorf("writing the token: %w", err), "a file in a folder of yours, or sudo")
	}
	all, err := list.Invite(ctx, []string{name}, replace)
	if err != nil {
		return err
	}
	if err := files.Replace(files.System, file, []byte(all[0].Token+"\n"), 0o600); err != nil {
		return config.Try(fmt.Errorf("writing the token: %w", err), "the same command again, which voids this invitation")
	}
	_, err = fmt.Fprintf(out, "%s is invited, its token is in %s; it works once and for an hour\n", name, file)
	return err
}
