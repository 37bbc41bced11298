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

	"piway/gateway/control"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/shared/files"
	"piway/shared/sample"
)

// Devices is the list of a gateway, running or stopped. Nothing is returned before it is on disk.
type Devices interface {
	Add(ctx context.Context, name string) (password string, err error)
	All(ctx context.Context) ([]devices.Device, error)
	Remove(ctx context.Context, name string) error
}

// WithDevices gives f the list of the running gateway, or the file of a stopped one, locked against its start.
func WithDevices(dataDir string, f func(Devices) error) error {
	err := f(remoteList{dataDir})
	if !errors.Is(err, control.ErrNotRunning) {
		return err
	}
	lock, err := datadir.Lock(dataDir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // frees the lock
	list, err := devices.Open(datadir.Devices(dataDir))
	if err != nil {
		return datadir.NotOurs(dataDir, err)
	}
	return f(localList{list})
}

// Twins returns the addresses of two machines for each device under whose name both have spoken within a day. A gateway
// that does not run knows of none.
func Twins(ctx context.Context, dataDir string) (by map[string][2]string, err error) {
	err = control.Call(ctx, dataDir, "GET", "/twins", nil, &by)
	if errors.Is(err, control.ErrNotRunning) {
		return nil, nil
	}
	return by, err
}

type remoteList struct{ dataDir string }

func (r remoteList) Add(ctx context.Context, name string) (password string, err error) {
	if !sample.IsDeviceName(name) {
		return "", fmt.Errorf("%q: %w", name, devices.ErrName)
	}
	err = control.Call(ctx, r.dataDir, "POST", "/devices/"+name, nil, &password)
	return password, err
}

func (r remoteList) All(ctx context.Context) (all []devices.Device, err error) {
	return all, control.Call(ctx, r.dataDir, "GET", "/devices", nil, &all)
}

func (r remoteList) Remove(ctx context.Context, name string) error {
	if !sample.IsDeviceName(name) {
		return fmt.Errorf("%q: %w", name, devices.ErrName)
	}
	return control.Call(ctx, r.dataDir, "DELETE", "/devices/"+name, nil, nil)
}

type localList struct{ list *devices.List }

func (l localList) Add(_ context.Context, name string) (string, error) { return l.list.Add(name) }
func (l localList) All(context.Context) ([]devices.Device, error)      { return l.list.All(), nil }
func (l localList) Remove(_ context.Context, name string) error        { return l.list.Remove(name) }

// AddDevice lets a device in. Its password is printed, or written to a new file; with keep a device that is there and
// whose file exists stays as it is.
func AddDevice(ctx context.Context, list Devices, name, passwordFile string, keep bool, out io.Writer) error {
	if passwordFile == "" {
		return addAndPrint(ctx, list, name, out)
	}
	if !keep {
		return addToFile(ctx, list, name, passwordFile, out)
	}
	_, err := os.Stat(passwordFile)
	exists := err == nil
	all, err := list.All(ctx)
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(all, func(d devices.Device) bool { return d.Name == name })
	if known && exists {
		_, err := fmt.Fprintf(out, "%s exists already\n", name)
		return err
	}
	if known { // its password is nowhere any more
		if err := list.Remove(ctx, name); err != nil {
			return err
		}
	}
	if exists { // of a device that is gone
		if err := os.Remove(passwordFile); err != nil {
			return fmt.Errorf("writing the password: %w", err)
		}
	}
	return addToFile(ctx, list, name, passwordFile, out)
}

func addAndPrint(ctx context.Context, list Devices, name string, out io.Writer) error {
	password, err := list.Add(ctx, name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "user name  %s\npassword   %s\n\nThe password is shown once and cannot be shown again.\n", name, password)
	return err
}

// addToFile makes the file before the device, so that a password is never made that nobody gets to know. It follows no
// link, and writes into nothing that somebody else may have open.
func addToFile(ctx context.Context, list Devices, name, passwordFile string, out io.Writer) error {
	f, err := files.OpenFile(passwordFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("writing the password: %s exists, remove it or name another file", passwordFile)
	}
	if err != nil {
		return fmt.Errorf("writing the password: %w", err)
	}
	password, err := list.Add(ctx, name)
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(passwordFile))
	}
	_, werr := fmt.Fprintln(f, password)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing the password: %w", err)
	}
	_, err = fmt.Fprintf(out, "%s added, its password is in %s\n", name, passwordFile)
	return err
}
