package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"piway/gateway/devices"
	"piway/shared/config"
	"piway/shared/files"
)

// A Password says what becomes of a new one: it is printed, or written to File, a new one, if that is not "".
type Password struct {
	File string
	JSON bool
	Out  io.Writer
}

// AddDevice lets a device in, with plain also without TLS. With keep a device that is there and whose password file exists stays as it is.
func AddDevice(ctx context.Context, list Devices, name string, plain, keep bool, to Password) error {
	add := func() (string, error) { return list.Add(ctx, name, plain) }
	added := fmt.Sprintf("%s added, its password is in %s\n", name, to.File)
	if to.File == "" || !keep {
		return to.give(name, add, added)
	}
	_, err := os.Stat(to.File)
	exists := err == nil
	all, err := list.All(ctx)
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(all, func(e devices.Entry) bool { return e.Name == name && e.State != devices.StateInvited })
	if known && exists {
		return to.say(name, "", name+" exists already\n")
	}
	if known { // its password is nowhere any more; its metric names stay its own
		add = func() (string, error) { return list.Password(ctx, name) }
	}
	if exists { // of a device that is gone
		if err := os.Remove(to.File); err != nil {
			return fmt.Errorf("writing the password: %w", err)
		}
	}
	return to.write(name, add, added)
}

// NewPassword gives a device a new password.
func NewPassword(ctx context.Context, list Devices, name string, to Password) error {
	again := func() (string, error) { return list.Password(ctx, name) }
	return to.give(name, again, fmt.Sprintf("the new password of %s is in %s\n", name, to.File))
}

// give makes a password and hands it over. written is what is said of a file.
func (to Password) give(name string, makeOne func() (string, error), written string) error {
	if to.File != "" {
		return to.write(name, makeOne, written)
	}
	password, err := makeOne()
	if err != nil {
		return err
	}
	return to.say(name, password, fmt.Sprintf(
		"user name  %s\npassword   %s\n\nThe password is shown once and cannot be shown again.\n", name, password))
}

// write makes the file before the password, so that none is ever made that nobody gets to know. It follows no link,
// and writes into nothing that somebody else may have open.
func (to Password) write(name string, makeOne func() (string, error), written string) error {
	f, err := files.OpenFile(to.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return config.Try(fmt.Errorf("writing the password: %s exists", to.File), "another file, or remove it")
	}
	if err != nil {
		err = fmt.Errorf("writing the password: %w", err)
		if errors.Is(err, fs.ErrPermission) {
			err = config.Try(err, "a file in a folder of yours, or sudo")
		}
		return err
	}
	password, err := makeOne()
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(to.File))
	}
	_, werr := fmt.Fprintln(f, password)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing the password: %w", err)
	}
	return to.say(name, "", written)
}

// say tells what was done, password being the one that is shown.
func (to Password) say(name, password, text string) error {
	if !to.JSON {
		_, err := io.WriteString(to.Out, text)
		return err
	}
	return JSON(to.Out, struct {
		Device   string `json:"device"`
		Password string `json:"password,omitempty"`
		File     string `json:"password_file,omitempty"`
	}{name, password, to.File})
}
