package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"piway/gateway/control"
	"piway/gateway/devices"
	"piway/shared/files"
)

type deviceCmd struct {
	Add    deviceAddCmd    `cmd:"" help:"Let a device in; prints its new password, once."`
	List   deviceListCmd   `cmd:"" help:"List the devices."`
	Remove deviceRemoveCmd `cmd:"" help:"Lock a device out and close its connections."`
}

type deviceAddCmd struct {
	configFile
	Name         string `arg:"" help:"Name of the device: its MQTT user name, and part of its metric names."`
	PasswordFile string `help:"Write the password to a new FILE, mode 0600, instead of printing it." placeholder:"FILE" type:"path"`
	Keep         bool   `help:"Succeed and change nothing if the device is there already and FILE exists."`
}

// Help is the longer help of the command.
func (*deviceAddCmd) Help() string {
	return `The password is random (at least 128 bits) and kept only as its SHA-256. Works on a running gateway and on a stopped one.

Example:

  piway-gateway device add kitchen --config gateway.yaml`
}

type deviceListCmd struct {
	configFile
}

type deviceRemoveCmd struct {
	configFile
	Name string `arg:"" help:"Name of the device."`
}

// deviceList is what the three commands do, on the running gateway or on its files.
type deviceList interface {
	add(ctx context.Context, name string) (password string, err error)
	all(ctx context.Context) ([]devices.Device, error)
	remove(ctx context.Context, name string) error
}

// withDevices gives f the list of the running gateway, or the file of a stopped one, locked against its start.
func withDevices(dataDir string, f func(deviceList) error) error {
	err := f(remoteList{dataDir})
	if !errors.Is(err, control.ErrNotRunning) {
		return err
	}
	lock, err := lockData(dataDir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // frees the lock
	list, err := devices.Open(devicesPath(dataDir))
	if err != nil {
		return notOurs(dataDir, err)
	}
	return f(localList{list})
}

type remoteList struct{ dataDir string }

func (r remoteList) add(ctx context.Context, name string) (password string, err error) {
	if !devices.ValidName(name) {
		return "", fmt.Errorf("%q: %w", name, devices.ErrName)
	}
	err = control.Call(ctx, r.dataDir, "POST", "/devices/"+name, nil, &password)
	return password, err
}

func (r remoteList) all(ctx context.Context) (all []devices.Device, err error) {
	return all, control.Call(ctx, r.dataDir, "GET", "/devices", nil, &all)
}

func (r remoteList) remove(ctx context.Context, name string) error {
	if !devices.ValidName(name) {
		return fmt.Errorf("%q: %w", name, devices.ErrName)
	}
	return control.Call(ctx, r.dataDir, "DELETE", "/devices/"+name, nil, nil)
}

type localList struct{ list *devices.List }

func (l localList) add(_ context.Context, name string) (string, error) { return l.list.Add(name) }
func (l localList) all(context.Context) ([]devices.Device, error)      { return l.list.All(), nil }
func (l localList) remove(_ context.Context, name string) error        { return l.list.Remove(name) }

// Run adds a device.
func (c *deviceAddCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	return withDevices(cfg.Data.Dir, func(list deviceList) error { return c.add(ctx, list, out) })
}

func (c *deviceAddCmd) add(ctx context.Context, list deviceList, out io.Writer) error {
	if c.PasswordFile == "" {
		return c.addAndPrint(ctx, list, out)
	}
	_, err := os.Stat(c.PasswordFile)
	exists := err == nil
	if !c.Keep {
		if exists {
			return fmt.Errorf("writing the password: %s exists, remove it or name another file", c.PasswordFile)
		}
		return c.addToFile(ctx, list, out)
	}
	all, err := list.all(ctx)
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(all, func(d devices.Device) bool { return d.Name == c.Name })
	if known && exists {
		_, err := fmt.Fprintf(out, "%s is there already\n", c.Name)
		return err
	}
	if known { // its password is nowhere any more
		if err := list.remove(ctx, c.Name); err != nil {
			return err
		}
	}
	return c.addToFile(ctx, list, out)
}

func (c *deviceAddCmd) addAndPrint(ctx context.Context, list deviceList, out io.Writer) error {
	password, err := list.add(ctx, c.Name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "user name  %s\npassword   %s\n\nThe password is shown once and cannot be shown again.\n", c.Name, password)
	return err
}

// addToFile makes the file before the device, so that a password is never made that nobody gets to know.
func (c *deviceAddCmd) addToFile(ctx context.Context, list deviceList, out io.Writer) error {
	f, err := files.OpenFile(c.PasswordFile, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("writing the password: %w", err)
	}
	password, err := list.add(ctx, c.Name)
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(c.PasswordFile))
	}
	_, werr := fmt.Fprintln(f, password)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing the password: %w", err)
	}
	_, err = fmt.Fprintf(out, "%s added, its password is in %s\n", c.Name, c.PasswordFile)
	return err
}

// Run lists the devices.
func (c *deviceListCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	return withDevices(cfg.Data.Dir, func(list deviceList) error {
		all, err := list.all(ctx)
		if err != nil {
			return err
		}
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "device\tadded")
		for _, d := range all {
			_, _ = fmt.Fprintf(t, "%s\t%s\n", d.Name, d.Added.Format(time.RFC3339))
		}
		return t.Flush() // the lines above report their errors here
	})
}

// Run removes a device.
func (c *deviceRemoveCmd) Run(ctx context.Context, out io.Writer) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	return withDevices(cfg.Data.Dir, func(list deviceList) error {
		if err := list.remove(ctx, c.Name); err != nil {
			return err
		}
		_, err := fmt.Fprintf(out, "%s removed\n", c.Name)
		return err
	})
}
