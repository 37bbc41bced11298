package gateway

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"piway/gateway/backup"
	"piway/gateway/cloud"
	"piway/gateway/datadir"
	"piway/gateway/queue/ledger"
	"piway/shared/mqttlink"
)

// A gateway moves as docs/move.md says: a backup while it runs, the queue copied when it is stopped, and the devices go
// on with what they have. What the old one had not sent the new one sends, and the ledger goes on.
func TestMove(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	endpoint := cfg.Uplink.Endpoint
	cfg.Uplink.Endpoint = "127.0.0.1:1" // nothing is sent here
	old := w.gateway(&cfg)
	password, err := old.AddDevice("kitchen", true)
	if err != nil {
		t.Fatal(err)
	}
	old.connects("kitchen", password)
	old.report("kitchen", "load", 1, 2)

	// The new machine has folders of its own.
	moved := cfg
	moved.Data.Dir = filepath.Join(w.dir, "moved")
	moved.Uplink.Endpoint = endpoint
	path := filepath.Join(w.dir, "gateway.yaml")
	text := "data: {dir: " + moved.Data.Dir + "}\nuplink: {certs: {dir: " + w.certs + "}}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := backup.Gather(ctx, path, &cfg, false, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Restore(a, backup.Place{Config: path}); err != nil {
		t.Fatal(err)
	}
	old.stop()
	stores, err := filepath.Glob(datadir.Queue(cfg.Data.Dir) + "*")
	if err != nil || len(stores) == 0 {
		t.Fatalf("%v, %v", stores, err)
	}
	for _, from := range stores {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(moved.Data.Dir, filepath.Base(from)), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}

	p := w.gateway(&moved)
	p.connects("kitchen", password)
	p.report("kitchen", "load", 1, 2) // the same report once more: the store knows it
	p.report("kitchen", "load", 3)
	p.until(ctx, "all three are sent, none twice", func(a ledger.Account) bool { return a.Sent == 3 && a.Waiting == 0 })
	if p.Pin() != old.Pin() {
		t.Errorf("the authority is another: %s, was %s", p.Pin(), old.Pin())
	}
}

// connects connects a device that has a password already.
func (p *place) connects(name, password string) {
	p.t.Helper()
	var err error
	if p.links[name], err = mqttlink.Connect(p.t.Context(), mqttlink.Options{
		Broker: "tcp://" + p.broker.Addr().String(), ClientID: name, Username: name, Password: password,
		KeepAlive: time.Minute,
	}); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(p.links[name].Close)
}

// The running gateway's list is what it goes by: also where its disk could not follow.
func TestBackup_ofARunningGateway(t *testing.T) {
	t.Parallel()
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	p := w.gateway(&cfg)
	for _, name := range []string{"kitchen", "attic"} {
		if _, err := p.AddDevice(name, true); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(w.dir, "gateway.yaml")
	if err := os.WriteFile(path, []byte("site: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	onDisk, err := os.ReadFile(datadir.Devices(cfg.Data.Dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(datadir.Devices(cfg.Data.Dir)); err != nil {
		t.Fatal(err)
	}
	a, err := backup.Gather(t.Context(), path, &cfg, false, time.Now())
	if err != nil || a.Devices != 2 {
		t.Fatalf("got %d devices, %v", a.Devices, err)
	}
	if got := a.Files[1].Text; !bytes.Equal(got, onDisk) {
		t.Errorf("got %s\nwant %s", got, onDisk)
	}
}
