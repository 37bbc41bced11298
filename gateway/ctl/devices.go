package ctl

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"piway/gateway/control"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/shared/sample"
)

// Devices is the list of a gateway, running or stopped. Nothing is returned before it is on disk.
type Devices interface {
	// Add lets a device in; only with plain is its password taken without TLS.
	Add(ctx context.Context, name string, plain bool) (password string, err error)
	All(ctx context.Context) ([]devices.Device, error)
	Remove(ctx context.Context, name string) error
	// Rename gives a device another name; its password and what it claimed stay.
	Rename(ctx context.Context, old, name string) error
	// Password gives a device a new one.
	Password(ctx context.Context, name string) (password string, err error)
	// Free frees one metric name of a device, and returns it as it goes to the cloud, as far as that is known.
	Free(ctx context.Context, name, metric string) (full string, err error)
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

func (r remoteList) All(ctx context.Context) (all []devices.Device, err error) {
	err = r.ask(ctx, "GET", "/devices", &all)
	return all, err
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

// A localList is a stopped gateway's. Its store is told at the next start.
type localList struct{ list *devices.List }

func (l localList) Add(_ context.Context, name string, plain bool) (string, error) {
	return l.list.Add(name, plain)
}

func (l localList) All(context.Context) ([]devices.Device, error) { return l.list.All(), nil }

func (l localList) Remove(_ context.Context, name string) error { return l.list.Remove(name) }

func (l localList) Rename(_ context.Context, old, name string) error { return l.list.Rename(old, name) }

func (l localList) Password(_ context.Context, n string) (string, error) { return l.list.Password(n) }

func (l localList) Free(_ context.Context, name, m string) (string, error) {
	return m, l.list.Free(name, m)
}
