package gateway

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/ctl"
	"piway/gateway/devices"
	"piway/gateway/settings"
	"piway/shared/files"
	"piway/shared/pairing"
	"piway/shared/pki"
	"piway/shared/testlog"
)

// killAt makes the test binary be a gateway, with the configuration of its first argument, that is killed at a step.
const killAt = "PIWAY_TEST_KILL_AT"

// beKilled is that gateway.
func beKilled() {
	n, err := strconv.Atoi(os.Getenv(killAt))
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err != nil {
		log.Error("no step", "err", err)
		os.Exit(2)
	}
	d := &deadly{FS: files.System}
	listDisk = d
	cfg, err := settings.Load(os.Args[1])
	if err == nil {
		var g *Gateway
		if g, err = Open(context.Background(), cfg, log); err == nil {
			if err = g.devices.Save(); err == nil { // as each start does, which is no step of joining
				d.left = n
				err = g.Run(context.Background())
			}
		}
	}
	log.Error("ended", "err", err)
	os.Exit(1)
}

// A deadly disk kills the process before one of the steps that write, and behind the last.
type deadly struct {
	files.FS

	left int // steps until then; 0 for never
}

func (d *deadly) step() {
	if d.left--; d.left == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // nothing comes behind it
		select {}
	}
}

func (d *deadly) OpenFile(name string, flag int, perm fs.FileMode) (files.File, error) {
	if flag&(os.O_WRONLY|os.O_RDWR) == 0 {
		return d.FS.OpenFile(name, flag, perm)
	}
	d.step()
	f, err := d.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &deadlyFile{f, d}, nil
}

func (d *deadly) Rename(from, to string) error {
	d.step()
	return d.FS.Rename(from, to)
}

func (d *deadly) SyncDir(name string) error {
	d.step()
	err := d.FS.SyncDir(name)
	d.step()
	return err
}

type deadlyFile struct {
	files.File
	d *deadly
}

func (f *deadlyFile) Write(p []byte) (int, error) {
	f.d.step()
	return f.File.Write(p)
}

func (f *deadlyFile) Sync() error {
	f.d.step()
	return f.File.Sync()
}

// A gateway that is killed at whatever step of joining has the device or has it not, and takes it by the same token and
// key after its next start: with the answer that it would have got.
func TestGateway_killedWhileJoining(t *testing.T) {
	t.Parallel()
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	before, behind := 0, 0
	for step := 1; ; step++ {
		if step > 20 {
			t.Fatal("there is no end of steps")
		}
		name := fmt.Sprintf("pi-%d", step)
		token, key := invitedTo(t, &cfg, name), deviceKey(t)
		addr, ended := deadlyGateway(t, w, &cfg, step)
		token.Addresses = []string{addr}
		answer, err := joinAs(t, token, key)
		if err == nil { // it has fewer steps
			t.Logf("%d steps, the device is there after %d of %d kills", step-1, behind, before+behind)
			if before < 3 || behind < 2 || answer.Device != name {
				t.Errorf("killed %d times before it was on disk and %d times behind, and then got %+v", before, behind, answer)
			}
			return
		}
		<-ended
		list, err := devices.Open(filepath.Join(cfg.Data.Dir, "devices.json"))
		if err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		sum, id := pki.SumOfCert(key.Leaf), ""
		switch device, standing := list.ByKey(sum); {
		case standing == devices.Unknown && !list.Has(name):
			before++
		case standing == devices.Known && device == name:
			behind++
			for _, d := range list.All() {
				if d.Name == name {
					id = d.ID
				}
			}
		default:
			t.Errorf("step %d: its key is %s's, %d, and on the list: %v", step, device, standing, list.Has(name))
		}
		p := w.gateway(&cfg)
		token.Addresses = []string{p.AddrTLS().String()}
		answer, err = joinAs(t, token, key)
		if err != nil || answer.Device != name || id != "" && answer.ID != id {
			t.Errorf("step %d: then got %+v, %v, want the id %q", step, answer, err, id)
		}
		if _, err := joinAs(t, token, deviceKey(t)); !isRefused(err, 409) {
			t.Errorf("step %d: another key: got %v", step, err)
		}
		link, err := p.keyLink(name, token.Pin, key)
		if err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		link.Close()
		p.stop()
	}
}

// invitedTo invites to a gateway that does not run.
func invitedTo(t *testing.T, cfg *settings.Config, name string) (token pairing.Token) {
	t.Helper()
	place := ctl.Place{
		DataDir: cfg.Data.Dir, TrustClock: true, Log: slog.New(slog.DiscardHandler), Addresses: func() []string { return nil },
	}
	if err := place.WithDevices(func(list ctl.Devices) error {
		all, err := list.Invite(t.Context(), []string{name}, false)
		if err == nil {
			token, err = pairing.ParseToken(all[0].Token)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return token
}

// deadlyGateway starts a gateway that is killed at a step, and returns where it speaks TLS, and what is closed then.
func deadlyGateway(t *testing.T, w *world, cfg *settings.Config, step int) (addr string, ended chan struct{}) {
	t.Helper()
	file := filepath.Join(w.dir, "killed.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "data: {dir: %q}\nbroker: {listen_tls: '127.0.0.1:0', listen: '127.0.0.1:0', "+
		"mdns: false}\nintake: {trust_clock: true}\nuplink: {endpoint: %q, rule: %s, certs: {dir: %q}}\n",
		cfg.Data.Dir, cfg.Uplink.Endpoint, cfg.Uplink.Rule, w.certs), 0o600); err != nil {
		t.Fatal(err)
	}
	said := new(testlog.Log)
	cmd := exec.Command(os.Args[0], file)
	cmd.Env = append(os.Environ(), killAt+"="+strconv.Itoa(step))
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended = make(chan struct{})
	go func() {
		_ = cmd.Wait() // it was killed
		close(ended)
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended }) // most have ended before
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	line := said.Want(ctx, t, "gateway ready")
	_, rest, _ := strings.Cut(line, "listen_tls=")
	addr, _, _ = strings.Cut(rest, " ")
	return addr, ended
}
