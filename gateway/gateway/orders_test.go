package gateway

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/shared/mqttlink"
	"piway/shared/pki"
)

// Somebody is added under a name while an invitation for it is open: he stays who he is, and who is invited is told.
func TestOrders_addedMeanwhile(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t)
	token, key := p.token("kitchen", false), deviceKey(t)
	password, err := p.AddDevice("kitchen", true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := joinAs(t, token, key); !isRefused(err, http.StatusPreconditionFailed) {
		t.Errorf("got %v", err)
	}
	l, err := mqttlink.Connect(t.Context(), p.over("kitchen", password, nil))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if l, err := p.keyLink("kitchen", token.Pin, key); err == nil {
		l.Close()
		t.Error("who was refused is let in")
	}
	if p.Addr() == nil {
		t.Error("the plain port is closed, and its device is there")
	}
}

// A list that cannot be written takes nobody and loses nobody: the same line works when it can. That is so while the
// disk refuses it, and while another program has put a list there.
func TestOrders_listCannotBeWritten(t *testing.T) {
	t.Parallel()
	w, p := newPlace(t, "cellar")
	token, key := p.token("kitchen", false), deviceKey(t)
	path := datadir.Devices(p.cfg.Data.Dir)
	list, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string) {
		t.Helper()
		if _, err := joinAs(t, token, key); !isRefused(err, http.StatusServiceUnavailable) ||
			!strings.Contains(err.Error(), "the same line again") {
			t.Errorf("%s: got %v", what, err)
		}
		if l, err := p.keyLink("kitchen", token.Pin, key); err == nil {
			l.Close()
			t.Errorf("%s: it is let in, and not on disk", what)
		}
	}
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	refused("nothing can take the list's place")
	foreign := strings.Replace(string(list), `"cellar"`, `"porch"`, 1)
	if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte(foreign), 0o600)); err != nil {
		t.Fatal(err)
	}
	refused("another list is there")
	if err := os.WriteFile(path, list, 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := joinAs(t, token, key)
	if err != nil {
		t.Fatal(err)
	}
	p = w.again(p, unchanged)
	token.Addresses[0] = p.AddrTLS().String()
	if again, err := joinAs(t, token, key); err != nil || again.ID != first.ID {
		t.Errorf("got %+v, %v, want the id %s", again, err, first.ID)
	}
}

// When revoking, removing or another key has answered, no connection of the old key stays,
// however many are being made, and none is made any more.
func TestOrders_whileConnecting(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*place) error{
		"revoke":  func(p *place) error { return p.ask("POST", "/devices/kitchen/revoke") },
		"remove":  func(p *place) error { return p.ask("DELETE", "/devices/kitchen") },
		"replace": func(p *place) error { p.pair("kitchen", true); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			_, p := newPlace(t)
			key := p.pair("kitchen", false)
			begun, changed := make(chan struct{}, 1000), make(chan struct{})
			var all sync.WaitGroup
			for n := range 4 {
				hold := time.Millisecond // what is tried is the order, and not this time
				if n == 0 {
					hold = time.Hour
				}
				o := p.over("kitchen", "", key)
				o.ClientID = string(rune('a' + n))
				all.Go(func() { p.comeAndGo(o, hold, begun, changed) })
			}
			for range 40 {
				<-begun
			}
			if err := change(p); err != nil {
				t.Error(err)
			}
			close(changed)
			all.Wait()
		})
	}
}

// comeAndGo connects, for a while each time, until changed is closed, and once more then.
func (p *place) comeAndGo(o mqttlink.Options, hold time.Duration, begun chan<- struct{}, changed <-chan struct{}) {
	for over := false; !over; {
		select {
		case <-changed:
			over = true
		default:
		}
		l, err := mqttlink.Connect(p.t.Context(), o)
		begun <- struct{}{}
		if err != nil {
			continue
		}
		if over {
			p.t.Error("it is let in afterwards")
		}
		select {
		case <-changed:
			select {
			case <-l.Lost():
			case <-time.After(patience): // on an idle machine some milliseconds
				p.t.Error("it stays connected")
			}
		case <-time.After(hold):
		}
		l.Close()
	}
}

// Revoking and joining at once: when both have answered the device is out, or has joined behind it.
func TestOrders_joinAndRevoke(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t)
	for range 20 {
		old := p.pair("kitchen", false)
		all, err := p.devices.Invite([]string{"kitchen"}, true, p.moment())
		if err != nil {
			t.Fatal(err)
		}
		_, first := newDeviceKey(t)
		_, second := newDeviceKey(t)
		var errs [3]error
		var done sync.WaitGroup
		done.Go(func() { _, errs[0] = p.join(netip.Addr{}, all[0].ID, all[0].Secret, first) })
		done.Go(func() { _, errs[1] = p.join(netip.Addr{}, all[0].ID, all[0].Secret, second) })
		done.Go(func() { errs[2] = p.revokeDevice(t.Context(), "kitchen") })
		done.Wait()
		if errs[2] != nil || errs[0] == nil && errs[1] == nil {
			t.Errorf("got %v", errs)
		}
		for _, sum := range []struct {
			err error
			is  [32]byte
		}{{errs[0], first}, {errs[1], second}} {
			device, revoked := p.identify(sum.is)
			if device != "" && !revoked || sum.err == nil && !revoked {
				t.Errorf("after %v: got %q, %t", errs, device, revoked)
			}
		}
		if l, err := p.keyLink("kitchen", p.Pin(), old); err == nil {
			l.Close()
			t.Error("the old key is let in")
		}
		if err := p.ask("DELETE", "/devices/kitchen"); err != nil {
			t.Fatal(err)
		}
	}
}

// A device that was renamed writes to the topics of its old name, which is another device's by now: what it sends is its
// own, and it gets none of that one's metric names.
func TestOrders_oldNameIsAnothers(t *testing.T) {
	t.Parallel()
	_, p := newPlace(t)
	old := p.pair("kitchen", false)
	if err := p.renameDevice(t.Context(), "kitchen", "pantry"); err != nil {
		t.Fatal(err)
	}
	fresh := p.pair("kitchen", false)
	metric := p.names.Report("cpu usage", "kitchen")
	var err error
	if p.links["kitchen"], err = p.keyLink("kitchen", p.Pin(), fresh); err != nil {
		t.Fatal(err)
	}
	defer p.links["kitchen"].Close()
	p.report("kitchen", "cpu usage", 1)
	now := p.links["kitchen"]
	if p.links["kitchen"], err = p.keyLink("kitchen", p.Pin(), old); err != nil {
		t.Fatal(err)
	}
	defer p.links["kitchen"].Close()
	p.report("kitchen", "cpu usage", 2) // on pi/kitchen/samples
	d := p.links["kitchen"].Publish("pi/kitchen/samples", []byte(`{"name":"`+metric+`","unit":"None","value":3}`))
	if <-d.Done(); d.Err() != nil {
		t.Fatal(d.Err())
	}
	if got := p.intake.Metrics("kitchen"); len(got) != 1 || got[0].Value != 1 {
		t.Errorf("of the new one: got %+v", got)
	}
	if got := p.intake.Metrics("pantry"); len(got) != 1 || got[0].Value != 2 || !strings.Contains(got[0].Name, "pantry") {
		t.Errorf("of the renamed one: got %+v", got)
	}
	if n := p.refusedOf("pantry"); n != 1 {
		t.Errorf("%d samples are refused, want the one with another's metric name", n)
	}
	select {
	case <-now.Lost():
		t.Error("it has taken over the new one's connection")
	default:
	}
	if err := p.ask("POST", "/devices/kitchen/revoke"); err != nil {
		t.Fatal(err)
	}
	wantEnded(t, now)
	select {
	case <-p.links["kitchen"].Lost():
		t.Error("revoking the new one ends the renamed one")
	default:
	}
	if device, standing := p.devices.ByKey(sumOf(t, old)); device != "pantry" || standing != devices.Known {
		t.Errorf("got %q, %d", device, standing)
	}
}

func sumOf(t *testing.T, key *tls.Certificate) pki.Sum {
	t.Helper()
	return pki.SumOfCert(key.Leaf)
}
