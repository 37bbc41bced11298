package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"os"
	"time"

	"piway/gateway/control"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/gateway/settings"
	"piway/gateway/where"
	"piway/shared/clock"
	"piway/shared/files"
	"piway/shared/pairing"
	"piway/shared/pki"
)

// listDisk is where the device list is; a test has another one.
var listDisk = files.System

// openPairing opens who may connect, and what the gateway is known by, which the first start makes.
func (g *Gateway) openPairing(cfg *settings.Config) (err error) {
	if g.devices, err = devices.OpenIn(listDisk, datadir.Devices(cfg.Data.Dir)); err != nil {
		return err
	}
	g.addresses = func() []string { return where.Addresses(cfg.Broker.Advertise, g.AddrTLS().String()) }
	g.announced, g.listenTLS = cfg.Broker.MDNS, cfg.Broker.TLSAddress()
	g.hosts = func() []string { return where.Hosts(cfg.Broker.Advertise) }
	before, unread := os.ReadDir(datadir.PKI(cfg.Data.Dir))
	if g.authority, err = pki.OpenAuthority(datadir.PKI(cfg.Data.Dir), g.hosts()); err != nil {
		return err
	}
	none := unread == nil && len(before) == 0 || errors.Is(unread, fs.ErrNotExist)
	if n := g.paired(); none && n > 0 {
		g.log.Warn("the gateway's authority was gone and is made anew: devices that have a key do not know it, and keep "+
			"their readings", "devices", n, "folder", datadir.PKI(cfg.Data.Dir),
			"try", "stop the gateway and put that folder of a backup there (tar -xf FILE pki); without one, "+
				"piway-gateway invite NAME... --replace, and join each again")
	}
	return nil
}

// paired is how many devices know the gateway by its authority's key.
func (g *Gateway) paired() (n int) {
	for _, d := range g.devices.All() {
		if d.Key != (pki.Sum{}) {
			n++
		}
	}
	return n
}

// moment is now, as invitations are dated.
func (g *Gateway) moment() devices.Moment {
	m := g.now()
	return devices.Moment{Wall: m.Wall, Right: m.Right, SinceBoot: m.SinceBoot, Boot: clock.BootID()}
}

// Invite invites devices, and returns what to paste on them; with replace they are listed and get another key. The
// invitations are on disk then.
func (g *Gateway) Invite(ctx context.Context, names []string, replace bool) ([]devices.Token, error) {
	g.naming.Lock()
	defer g.naming.Unlock()
	all, err := g.devices.Tokens(names, replace, g.moment(), g.authority.Pin(), g.addresses())
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		g.record(ctx, "invite", name, "replace", replace)
	}
	return all, nil
}

// join gives an invited device its key. Its error is one of [devices.List.Join]; nil means that it is on disk. What a
// device was that gets another key loses its connections.
func (g *Gateway) join(from netip.Addr, id [6]byte, secret [16]byte, key pki.Sum) (pairing.Answer, error) {
	g.naming.Lock()
	defer g.naming.Unlock()
	before, now := g.devices.Version(), g.moment()
	d, err := g.devices.Join(id, secret, key, now)
	if err != nil {
		return pairing.Answer{Device: d.Name}, err // whose invitation it is
	}
	if g.devices.Version() != before { // else it has asked again
		g.broker.Disconnect(d.Name)
		g.broker.Look()
		g.log.Info("device list changed", "action", "join", "device", d.Name, "address", from, "key", key)
	}
	a := pairing.Answer{Device: d.Name, ID: d.ID, CA: string(g.authority.PEM()), Addresses: g.addresses()}
	if now.Right {
		a.Time = now.Wall.UTC()
	}
	return a, nil
}

// revokeDevice locks a device out, also where the disk does not take it, and keeps its names.
func (g *Gateway) revokeDevice(ctx context.Context, name string) error {
	g.naming.Lock()
	defer g.naming.Unlock()
	err := g.devices.Revoke(name)
	if g.devices.Has(name) {
		g.broker.Disconnect(name)
	}
	g.broker.Look()
	g.recordLockout(ctx, "revoke", name, err)
	return err
}

// entries is the list as it is shown.
func (g *Gateway) entries() []devices.Entry {
	all := g.devices.Entries(g.moment())
	for n := range all {
		e := &all[n]
		e.Version = g.intake.Attributes(e.Name)["agent"]
		s, ok := g.broker.Seen(e.Name)
		if !ok {
			continue
		}
		e.Seen, e.Address, e.TLS = clock.Now().Add(-s.Ago).UTC().Truncate(time.Second), s.Host, s.Secure
		if s.Connected && e.State == devices.StateOffline {
			e.State = devices.StateConnected
		}
	}
	return all
}

// recordLockout notes it as far as it happened: also where the disk may not have it yet.
func (g *Gateway) recordLockout(ctx context.Context, action, device string, err error) {
	switch {
	case err == nil:
		g.record(ctx, action, device)
	case errors.Is(err, devices.ErrUnsaved):
		g.record(ctx, action, device, "err", err)
	}
}

// record notes who did something to a device.
func (g *Gateway) record(ctx context.Context, action, device string, more ...any) {
	control.PeerOf(ctx).Record(g.log, action, device, more...)
}

// inviteRoute is what `invite` asks.
func (g *Gateway) inviteRoute(w http.ResponseWriter, r *http.Request) {
	var ask devices.Invitees
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		answer(w, nil, fmt.Errorf("reading who is invited: %w", err))
		return
	}
	all, err := g.Invite(r.Context(), ask.Names, ask.Replace)
	answer(w, all, err)
}
