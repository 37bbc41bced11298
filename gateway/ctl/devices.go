package ctl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"piway/gateway/control"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/shared/config"
	"piway/shared/sample"
)

// Devices is the list of a gateway, running or stopped. Nothing is returned before it is on disk.
type Devices interface {
	// Add lets a device in; only with plain is its password taken without TLS.
	Add(ctx context.Context, name string, plain bool) (password string, err error)
	// Invite returns what to paste on devices to let them in by a key; with replace they are on the list, and get another.
	Invite(ctx context.Context, names []string, replace bool) ([]devices.Token, error)
	All(ctx context.Context) ([]devices.Entry, error)
	// Remove frees a device's names, Revoke does not. Neither lets its key in ever again.
	Remove(ctx context.Context, name string) error
	Revoke(ctx context.Context, name string) error
	// Rename gives a device another name; its key or password and what it claimed stay.
	Rename(ctx context.Context, old, name string) error
	// Password gives a device a new one.
	Password(ctx context.Context, name string) (password string, err error)
	// Free frees one metric name of a device, and returns it as it goes to the cloud, as far as that is known.
	Free(ctx context.Context, name, metric string) (full string, err error)
	// Running is whether a gateway has the list.
	Running() bool
}

// A Place is a gateway that may be stopped.
type Place struct {
	DataDir string
	// TrustClock says that the clock on the wall is right, whatever the kernel says.
	TrustClock bool
	// Addresses returns where devices reach the gateway, HOST:PORT.
	Addresses func() []string
	// Log is told who changes the list of a stopped gateway. A running one tells its own.
	Log *slog.Logger
}

// WithDevices gives f the list of the running gateway, or the file of a stopped one, locked against its start.
func (p Place) WithDevices(f func(Devices) error) error {
	err := f(remoteList{p.DataDir})
	if !errors.Is(err, control.ErrNotRunning) {
		return err
	}
	lock, err := datadir.Lock(p.DataDir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }() // frees the lock
	list, err := devices.Open(datadir.Devices(p.DataDir))
	if err != nil {
		return config.PermitData(err, p.DataDir)
	}
	return f(localList{list, p})
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

// ask asks about devices of those names, which are part of the path.
func (r remoteList) ask(ctx context.Context, method, path string, out any, names ...string) error {
	of := []any{}
	for _, name := range names {
		if !sample.IsDeviceName(name) {
			return fmt.Errorf("%q: %w", name, devices.ErrName)
		}
		of = append(of, name)
	}
	return control.Call(ctx, r.dataDir, method, fmt.Sprintf(path, of...), nil, out)
}

func (r remoteList) Add(ctx context.Context, name string, plain bool) (password string, err error) {
	path := "/devices/%s"
	if plain {
		path += "?plain"
	}
	err = r.ask(ctx, "POST", path, &password, name)
	return password, err
}

func (r remoteList) All(ctx context.Context) (all []devices.Entry, err error) {
	err = r.ask(ctx, "GET", "/devices", &all)
	return all, err
}

func (r remoteList) Invite(ctx context.Context, names []string, replace bool) (all []devices.Token, err error) {
	err = control.Call(ctx, r.dataDir, "POST", "/invitations", devices.Invitees{Names: names, Replace: replace}, &all)
	return all, err
}

func (r remoteList) Running() bool { return true }

func (r remoteList) Revoke(ctx context.Context, name string) error {
	return r.ask(ctx, "POST", "/devices/%s/revoke", nil, name)
}

func (r remoteList) Remove(ctx context.Context, name string) error {
	return r.ask(ctx, "DELETE", "/devices/%s", nil, name)
}

func (r remoteList) Rename(ctx context.Context, old, name string) error {
	return r.ask(ctx, "POST", "/devices/%s/rename/%s", nil, old, name)
}

func (r remoteList) Password(ctx context.Context, name string) (password string, err error) {
	err = r.ask(ctx, "POST", "/devices/%s/password", &password, name)
	return password, err
}

func (r remoteList) Free(ctx context.Context, name, metric string) (full string, err error) {
	query := strings.ReplaceAll(url.Values{"name": {metric}}.Encode(), "%", "%%")
	err = r.ask(ctx, "DELETE", "/devices/%s/metrics?"+query, &full, name)
	return full, err
}
