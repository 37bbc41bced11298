package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"piway/gateway/backup"
	"piway/shared/cli"
	"piway/shared/config"
	"piway/shared/files"
)

type backupCmd struct {
	configFile
	File       string `arg:"" help:"A new file, made with mode 0600; - writes to a pipe."`
	WithAWSKey bool   `name:"with-aws-key" help:"Take the private key for AWS along too. Who has it is this gateway at AWS."`
}

// Help is the longer help of the command.
func (*backupCmd) Help() string {
	return `Writes a tar of the gateway's authority on the LAN, its device list and its configuration, whether it runs or not. Devices need no pairing again where it is restored. Keep it secret: the authority's key is in it. What the gateway has not sent yet is not; docs/move.md takes it along.

Examples:

  piway-gateway backup /root/piway.tar
  piway-gateway backup - | age -p > piway.tar.age`
}

// Run writes the backup.
func (c *backupCmd) Run(ctx context.Context, s cli.Streams) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if c.File == "-" && isTerminal(s.Out) {
		return config.Try(errors.New("a backup holds secrets and is not for a terminal"),
			"a FILE, or a pipe: piway-gateway backup - | age -p > piway.tar.age")
	}
	a, err := backup.Gather(ctx, c.Config, &cfg, c.WithAWSKey, time.Now())
	if err != nil {
		return err
	}
	if c.File == "-" {
		err = a.Write(s.Out)
	} else {
		err = a.Save(c.File)
	}
	if err != nil {
		return err
	}
	tellBackup(s.Err, a)
	if isOpen(s.Out) {
		_, _ = fmt.Fprintln(s.Err, "warning    every user of this machine can read the file, try: chmod 600 on it; FILE for - makes it so")
	}
	return nil
}

// isOpen says whether a stream is a file that every user of this machine can read.
func isOpen(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o007 != 0
}

// tellBackup says what is in a backup. Nobody may be there to read it.
func tellBackup(w io.Writer, a *backup.Archive) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	say("devices    %d, of which %d are revoked", a.Devices, a.Revoked)
	if a.HasAuthority() {
		say("authority  the private key is in it: keep the backup secret")
	} else {
		say("authority  none, since this gateway has not made one yet")
	}
	if a.HasAWSKey() {
		say("AWS key    in it: who has it is this gateway at AWS")
	} else {
		say("AWS key    not in it; --with-aws-key takes it along")
	}
	say("queue      not in it; docs/move.md takes along what is not sent yet")
}

// isTerminal says whether a person is at the other end.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

type restoreCmd struct {
	configFile
	File       string `arg:"" help:"What backup has written; - reads from a pipe."`
	KeepConfig bool   `help:"Go by the configuration that is here, and leave it alone."`
}

// Help is the longer help of the command.
func (*restoreCmd) Help() string {
	return `Writes the gateway's authority, its device list and its configuration, and the AWS key if it is in the backup. It replaces nothing: the data folder must have no devices and no authority, and no gateway may run on it. If it is interrupted, run it again.

The old gateway must not run any more. docs/move.md goes through all of a move.

Examples:

  piway-gateway restore /root/piway.tar
  age -d piway.tar.age | piway-gateway restore -`
}

// Run restores.
func (c *restoreCmd) Run(s cli.Streams) error {
	a, err := c.read()
	if err != nil {
		return err
	}
	made, err := backup.Restore(a, backup.Place{Config: c.Config, KeepConfig: c.KeepConfig})
	if err != nil {
		return err
	}
	return c.tell(s.Out, a, made, time.Now())
}

func (c *restoreCmd) read() (*backup.Archive, error) {
	if c.File == "-" {
		if isTerminal(os.Stdin) {
			return nil, config.Try(errors.New("a backup does not come from a terminal"), "a FILE, or a pipe")
		}
		return backup.Read(os.Stdin)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, fmt.Errorf("reading the backup: %w", config.Permit(err, c.File))
	}
	defer func() { _ = f.Close() }() // only read
	return backup.Read(f)
}

// tell says what is to be known of a gateway that is restored.
func (c *restoreCmd) tell(w io.Writer, a *backup.Archive, made *backup.Restored, now time.Time) error {
	var err error
	say := func(format string, args ...any) {
		_, werr := fmt.Fprintf(w, format+"\n", args...)
		err = errors.Join(err, werr)
	}
	set := &made.Settings
	say("restored   %d devices, of which %d are revoked, in %s", a.Devices, a.Revoked, set.Data.Dir)
	if !a.HasAuthority() {
		say("authority  none in the backup: devices that know the old one must be paired again")
	}
	say("its date   %s, %s: a device that was removed or revoked since, or has a new password, is let in as it was then. "+
		"See piway-gateway device list", a.Made.UTC().Format("2006-01-02 15:04 MST"), age(now.Sub(a.Made)))
	if !made.Queue && a.Devices > 0 {
		say("queue      none is here: what the old gateway has not sent is lost unless you copy it before the first start, " +
			"and metric names belong to the device that sends them first (docs/move.md)")
	}
	if !made.AWSKey {
		say("AWS key    none in %s: copy that folder from the old gateway; or, if it is lost, sudo -E piway-gateway aws "+
			"remove and then aws setup", set.Uplink.Certs.Dir)
	}
	if owner, ok := files.Owner(set.Data.Dir); ok && owner == 0 && os.Geteuid() == 0 {
		say("owner      root; before a service of another user starts: sudo chown -R USER: %s", set.Data.Dir)
	}
	say("The old gateway must not run any more: both have the client id %s, and each would close the other's connection "+
		"to AWS.", set.Cloud().ClientID)
	return err
}

// age is a time since, for people.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "which is in the future by this machine's clock"
	case d < time.Hour:
		return "within this hour"
	case d < 2*day:
		return fmt.Sprintf("%d hours ago", int(d/time.Hour))
	}
	return fmt.Sprintf("%d days ago", int(d/day))
}
