package gateway

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"piway/gateway/control"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/shared/pki"
)

// entry is what `device list` says of a device.
func (p *place) entry(name string) devices.Entry {
	p.t.Helper()
	var all []devices.Entry
	if err := control.Call(p.t.Context(), p.cfg.Data.Dir, "GET", "/devices", nil, &all); err != nil {
		p.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(e devices.Entry) bool { return e.Name == name })
	if i < 0 {
		p.t.Fatalf("%s is not in %+v", name, all)
	}
	return all[i]
}

// Who gets a key in the place of a password loses the connections that it made with that, and the names stay its own.
func TestGateway_join(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t, "kitchen", "cellar") // whose door stays open
	p.take("kitchen", "cpu")
	if e := p.entry("kitchen"); e.State != devices.StateConnected || e.Kind != devices.KindPlain ||
		e.Address != "127.0.0.1" || e.Seen.IsZero() || e.TLS {
		t.Errorf("got %+v", e)
	}
	id := p.entry("kitchen").ID
	token := p.token("kitchen", true)
	if token.Pin != p.authority.Pin() {
		t.Error("the token has another pin")
	}
	closed := p.links["kitchen"].Lost()
	select {
	case <-closed:
		t.Error("an invitation closes connections")
	default:
	}
	if e := p.entry("kitchen"); e.Invited == 0 || e.State != devices.StateConnected {
		t.Errorf("got %+v", e)
	}
	a, err := p.join(netip.Addr{}, token.ID, token.Secret, pki.Sum{1})
	if err != nil || a.Device != "kitchen" || a.ID != id || a.CA != string(p.authority.PEM()) || a.Time.IsZero() {
		t.Fatalf("got %+v, %v", a, err)
	}
	select {
	case <-closed:
	case <-time.After(patience):
		t.Fatal("the connection by its password goes on")
	}
	if p.links["cellar"].Err() != nil {
		t.Error("another device's connection is closed")
	}
	if device, revoked := p.identify(pki.Sum{1}); device != "kitchen" || revoked {
		t.Errorf("got %q, %t", device, revoked)
	}
	if e := p.entry("kitchen"); e.Kind != devices.KindKey || e.ID != id || e.Invited != 0 {
		t.Errorf("got %+v", e)
	}
	if _, err := p.join(netip.Addr{}, token.ID, token.Secret, pki.Sum{1}); err != nil {
		t.Errorf("the same key again: %v", err)
	}
	if got := p.owned(); got["cpu"] != "kitchen" {
		t.Errorf("its names: %v", got)
	}
	if n := strings.Count(p.said.String(), "action=join"); n != 1 {
		t.Errorf("it joined %d times in the log:\n%s", n, p.said)
	}
	for p.broker.Host("kitchen") != "" && t.Context().Err() == nil {
		runtime.Gosched()
	}
	if e := p.entry("kitchen"); e.Address != "127.0.0.1" || e.State != devices.StateOffline {
		t.Errorf("gone: got %+v", e)
	}
}

// A revoked device is cut off at once, stays on the list, and what its connection still sends is not taken.
func TestGateway_revokeDevice(t *testing.T) {
	t.Parallel()
	w, p := newPlace(t, "kitchen", "cellar")
	p.take("kitchen", "cpu")
	closed := p.links["kitchen"].Lost()
	if err := p.ask("POST", "/devices/kitchen/revoke"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-closed:
	case <-time.After(patience):
		t.Fatal("its connection goes on")
	}
	done := make(chan error, 1)
	p.handle("kitchen", []byte(`{"name":"fan","unit":"None","value":1}`), func(err error) { done <- err })
	if err := <-done; !errors.Is(err, errNoDevice) {
		t.Errorf("what its connection still sends: got %v", err)
	}
	if p.take("cellar", "cpu") != 1 {
		t.Error("the names of a revoked device are free")
	}
	if err := p.ask("POST", "/devices/attic/revoke"); err == nil {
		t.Error("a device that does not exist: got no error")
	}
	for range 2 {
		if e := p.entry("kitchen"); e.State != devices.StateRevoked || e.Kind != "" {
			t.Errorf("got %+v", e)
		}
		p = w.again(p, unchanged)
	}
	if got := p.owned(); got["cpu"] != "kitchen" {
		t.Errorf("in the store: %v", got)
	}
}

// Who changes the list is in the log, as fields, by what the kernel says of the process that asked.
func TestGateway_saysWho(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t, "kitchen", "cellar")
	p.take("kitchen", "fan")
	p.token("attic", false)
	for _, ask := range []string{
		"POST /devices/plug?plain", "POST /devices/plug/password", "POST /devices/plug/rename/plug2",
		"POST /devices/plug2/revoke", "DELETE /devices/kitchen/metrics?name=fan", "DELETE /devices/cellar",
	} {
		method, path, _ := strings.Cut(ask, " ")
		if err := p.ask(method, path); err != nil {
			t.Fatalf("%s: %v", ask, err)
		}
	}
	for _, ask := range []string{
		"POST /devices/kitchen", "POST /devices/nobody/password", "POST /devices/nobody/rename/somebody",
		"POST /devices/nobody/revoke", "DELETE /devices/nobody/metrics?name=x", "DELETE /devices/nobody",
	} {
		if method, path, _ := strings.Cut(ask, " "); p.ask(method, path) == nil {
			t.Errorf("%s: got no error", ask)
		}
	}
	me, err := user.Current()
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("the kernel does not say who asks: ", err)
	}
	by := fmt.Sprintf(" by_uid=%d by_user=%s by_pid=%d", os.Geteuid(), me.Username, os.Getpid())
	for _, want := range []string{
		"action=invite device=attic" + by + " replace=false", "action=add device=plug" + by + " plain=true",
		"action=password device=plug" + by, "action=rename device=plug" + by + " to=plug2", "action=revoke device=plug2" + by,
		"action=free device=kitchen" + by + " metric=fan", "action=remove device=cellar" + by,
	} {
		if n := strings.Count(p.said.String(), "level=INFO msg=\"device list changed\" "+want); n != 1 {
			t.Errorf("%q is there %d times in:\n%s", want, n, p.said)
		}
	}
	if n := p.said.Count("action="); n != 7 {
		t.Errorf("what did not happen is in the log:\n%s", p.said)
	}
}

// A gateway whose authority is gone starts with another one, and says that its devices do not know that.
func TestGateway_authorityGone(t *testing.T) {
	t.Parallel()
	w, p := newPlace(t)
	const told = "the gateway's authority was gone"
	p = w.again(p, func(*devices.List) error { return os.RemoveAll(datadir.PKI(p.cfg.Data.Dir)) })
	if p.said.Count(told) != 0 {
		t.Errorf("no device knows the old one:\n%s", p.said)
	}
	p.pair("kitchen", false)
	p = w.again(p, func(*devices.List) error { return nil })
	if p.said.Count(told) != 0 {
		t.Errorf("it is there:\n%s", p.said)
	}
	p = w.again(p, func(*devices.List) error { return os.RemoveAll(datadir.PKI(p.cfg.Data.Dir)) })
	if p.said.Count(told, "devices=1", "--replace") != 1 {
		t.Errorf("want a warning:\n%s", p.said)
	}
}
