package ctl

import (
	"context"

	"piway/gateway/control"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/shared/clock"
	"piway/shared/config"
	"piway/shared/pki"
)

// A localList is a stopped gateway's. Its store is told at the next start.
type localList struct {
	list *devices.List
	at   Place
}

// done notes what was done by this process, if it was.
func (l localList) done(err error, action, name string, more ...any) error {
	if err == nil {
		control.Myself().Record(l.at.Log, action, name, more...)
	}
	return err
}

func (l localList) moment() devices.Moment {
	return devices.Moment{
		Wall: clock.Now(), Right: l.at.TrustClock || clock.Read() != clock.Unsynced,
		SinceBoot: clock.SinceBoot(), Boot: clock.BootID(),
	}
}

func (l localList) Running() bool { return false }

func (l localList) Add(_ context.Context, name string, plain bool) (string, error) {
	password, err := l.list.Add(name, plain)
	return password, l.done(err, "add", name, "plain", plain)
}

// Invite makes what the gateway is known by, if it never ran.
func (l localList) Invite(_ context.Context, names []string, replace bool) ([]devices.Token, error) {
	authority, err := pki.OpenAuthority(datadir.PKI(l.at.DataDir), nil)
	if err != nil {
		return nil, config.PermitData(err, l.at.DataDir)
	}
	all, err := l.list.Tokens(names, replace, l.moment(), authority.Pin(), l.at.Addresses())
	for _, t := range all {
		_ = l.done(err, "invite", t.Device, "replace", replace)
	}
	return all, err
}

func (l localList) All(context.Context) ([]devices.Entry, error) {
	return l.list.Entries(l.moment()), nil
}

func (l localList) Remove(_ context.Context, name string) error {
	return l.done(l.list.Remove(name), "remove", name)
}

func (l localList) Revoke(_ context.Context, name string) error {
	return l.done(l.list.Revoke(name), "revoke", name)
}

func (l localList) Rename(_ context.Context, old, name string) error {
	return l.done(l.list.Rename(old, name), "rename", old, "to", name)
}

func (l localList) Password(_ context.Context, name string) (string, error) {
	password, err := l.list.Password(name)
	return password, l.done(err, "password", name)
}

func (l localList) Free(_ context.Context, name, metric string) (string, error) {
	return metric, l.done(l.list.Free(name, metric), "free", name, "metric", metric)
}
