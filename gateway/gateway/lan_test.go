package gateway

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/shared/mqttlink"
	"piway/shared/pki"
)

// over returns how a device connects by TLS; cert may be nil.
func (p *place) over(name, password string, cert *tls.Certificate) mqttlink.Options {
	return mqttlink.Options{
		Broker: "tls://" + p.AddrTLS().String(), ClientID: name, Username: name, Password: password,
		TLS: pki.Pinned([]pki.Sum{p.Pin()}, cert), KeepAlive: time.Minute,
	}
}

// newDeviceKey returns a device's key, and its sum.
func newDeviceKey(t *testing.T) (*tls.Certificate, pki.Sum) {
	t.Helper()
	cert, err := pki.MakeDeviceKey(filepath.Join(t.TempDir(), "device.key"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := pki.SumOf(cert.Leaf.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return cert, sum
}

// pair has a device join with a new key.
func (p *place) pair(name string, replace bool) *tls.Certificate {
	p.t.Helper()
	cert, sum := newDeviceKey(p.t.(*testing.T))
	all, err := p.devices.Invite([]string{name}, replace, p.moment())
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.join(netip.Addr{}, all[0].ID, all[0].Secret, sum); err != nil {
		p.t.Fatal(err)
	}
	return cert
}

// wantEnded waits for the end of a device's connection.
func wantEnded(t *testing.T, l *mqttlink.Link) {
	t.Helper()
	select {
	case <-l.Lost():
	case <-time.After(patience):
		t.Fatal("it stays connected")
	}
}

// What a device with a key can do is what its key can: its password of before is none, a revoked or replaced key opens
// nothing with or without a password, and its connections end. Metric names stay the device's.
func TestLAN_keys(t *testing.T) {
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	p := w.gateway(&cfg)
	ctx := t.Context()
	connect := func(password string, cert *tls.Certificate) *mqttlink.Link {
		t.Helper()
		l, err := mqttlink.Connect(ctx, p.over("kitchen", password, cert))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		return l
	}
	refused := func(password string, cert *tls.Certificate) {
		t.Helper()
		l, err := mqttlink.Connect(ctx, p.over("kitchen", password, cert))
		if err == nil {
			l.Close()
			t.Error("it is let in")
		}
	}
	password, err := p.AddDevice("kitchen", false)
	if err != nil {
		t.Fatal(err)
	}
	if p.Addr() != nil {
		t.Error("the plain port is open, and no device is plain")
	}
	before := connect(password, nil)
	first := p.pair("kitchen", true)
	wantEnded(t, before)
	refused(password, nil)
	p.links["kitchen"] = connect("", first)
	p.report("kitchen", "cpu usage", 1)

	second := p.pair("kitchen", true) // another card
	wantEnded(t, p.links["kitchen"])
	refused("", first)
	p.links["kitchen"] = connect("", second)
	p.seq["kitchen"] = 0
	p.report("kitchen", "cpu usage", 2)

	if err := p.revokeDevice(ctx, "kitchen"); err != nil {
		t.Fatal(err)
	}
	wantEnded(t, p.links["kitchen"])
	refused("", second)
	other, err := p.AddDevice("attic", false)
	if err != nil {
		t.Fatal(err)
	}
	o := p.over("attic", other, second) // with a good password
	if l, err := mqttlink.Connect(ctx, o); err == nil {
		l.Close()
		t.Error("a revoked key is let in with another's password")
	}
	foreign, _ := newDeviceKey(t)
	o = p.over("attic", other, foreign)
	l, err := mqttlink.Connect(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if n := p.said.Count("its key is revoked", "device=kitchen"); n != 1 {
		t.Errorf("told %d times in\n%s", n, p.said)
	}
}

// An agent of a renamed device goes on to work by its key: it writes to the topics of its old name.
func TestLAN_renamedKeyGoesOn(t *testing.T) {
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	p := w.gateway(&cfg)
	cert := p.pair("kitchen", false)
	if err := p.renameDevice(t.Context(), "kitchen", "pantry"); err != nil {
		t.Fatal(err)
	}
	l, err := mqttlink.Connect(t.Context(), p.over("kitchen", "", cert))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	p.links["kitchen"] = l
	p.report("kitchen", "cpu usage", 1) // on pi/kitchen/samples
	if got := p.intake.Metrics("pantry"); len(got) != 1 || !strings.Contains(got[0].Name, "pantry") {
		t.Errorf("got %+v", got)
	}
}

// The plain port is open while a device needs it, which TLS devices can do without: they get in by TLS only.
func TestLAN_plain(t *testing.T) {
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	p := w.gateway(&cfg, "tasmota") // plain
	password, err := p.AddDevice("kitchen", false)
	if err != nil {
		t.Fatal(err)
	}
	plain := func(name, password string) error {
		l, err := mqttlink.Connect(t.Context(), mqttlink.Options{
			Broker: "tcp://" + p.Addr().String(), ClientID: name, Username: name, Password: password,
		})
		if err == nil {
			l.Close()
		}
		return err
	}
	if err := plain("kitchen", password); !errors.Is(err, mqttlink.ErrLogin) {
		t.Errorf("without TLS: got %v", err)
	}
	l, err := mqttlink.Connect(t.Context(), p.over("kitchen", password, nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	addr := p.Addr().String()
	p.pair("tasmota", true) // it learned TLS
	wantEnded(t, p.links["tasmota"])
	if c, err := net.Dial("tcp", addr); err == nil {
		_ = c.Close()
		t.Error("the plain port is open, and no device is plain")
	}
	if _, err := p.AddDevice("shelly", true); err != nil {
		t.Fatal(err)
	}
	if p.Addr() == nil {
		t.Error("the plain port is closed, and a device needs it")
	}
	if err := p.removeDevice(t.Context(), "shelly"); err != nil {
		t.Fatal(err)
	}
	if p.Addr() != nil {
		t.Error("the plain port is open, and its device is removed")
	}
}

// The certificate follows the machine's names from the next handshake on; the pin stays, over a restart too.
func TestLAN_certificateFollows(t *testing.T) {
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	p := w.gateway(&cfg)
	pin := p.Pin()
	shown := func(p *place) []string {
		t.Helper()
		c, err := tls.Dial("tcp", p.AddrTLS().String(), pki.Pinned([]pki.Sum{pin}, nil))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }() // nothing was sent
		return c.ConnectionState().PeerCertificates[0].DNSNames
	}
	p.hosts = func() []string { return []string{"gateway.test"} }
	for _, want := range []bool{true, false} {
		if changed, err := p.keepCertificate(); err != nil || changed != want {
			t.Errorf("got %v, %v", changed, err)
		}
	}
	if got := strings.Join(shown(p), " "); !strings.Contains(got, "gateway.test") {
		t.Errorf("got %s", got)
	}
	p.stop()
	again := w.gateway(&cfg)
	if got := strings.Join(shown(again), " "); strings.Contains(got, "gateway.test") || again.Pin() != pin {
		t.Errorf("got %s, pin %s", got, again.Pin())
	}
}
