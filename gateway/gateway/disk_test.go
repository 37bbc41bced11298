package gateway

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/control"
	"piway/gateway/ctl"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
	"piway/gateway/settings"
	"piway/shared/mqttlink"
	"piway/shared/sample"
	"piway/shared/testlog"
)

// A supervised is a gateway whose disk gets into trouble.
type supervised struct {
	t    *testing.T
	cfg  settings.Config
	said *testlog.Log
	link *mqttlink.Link
	seq  int64
}

// startSupervised runs the stages of `piway-gateway run` until the test ends. It does not wait for them.
func startSupervised(w *world, cfg settings.Config) *supervised {
	w.t.Helper()
	if err := cfg.Validate(); err != nil {
		w.t.Fatal(err)
	}
	s := &supervised{t: w.t.(*testing.T), cfg: cfg, said: new(testlog.Log)}
	w.serve("gateway", func(ctx context.Context) error {
		return Supervise(ctx, cfg, slog.New(slog.NewTextHandler(s.said, nil)))
	})
	return s
}

// ready waits until the stages were opened n times, and connects the device.
func (s *supervised) ready(ctx context.Context, n int, device, password string) {
	s.t.Helper()
	found, err := s.said.Await(ctx, n, "gateway ready")
	if err != nil {
		s.t.Fatalf("the stages were not opened %d times: %v", n, err)
	}
	at := regexp.MustCompile(`listen=(\S+)`).FindStringSubmatch(found[n-1])[1]
	if s.link, err = mqttlink.Connect(ctx, mqttlink.Options{
		Broker: "tcp://" + at, ClientID: device, Username: device, Password: password, KeepAlive: time.Minute,
		Log: slog.New(slog.DiscardHandler),
	}); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.link.Close)
}

// send returns nil when the samples are acknowledged.
func (s *supervised) send(device string, n int) error {
	s.t.Helper()
	s.seq++
	r := sample.Report{Run: "run", Seq: s.seq, Clock: sample.Synced}
	for i := range n {
		r.Samples = append(r.Samples, sample.Sample{Name: fmt.Sprintf("metric %d of %d with a long name that takes room", i,
			s.seq%10), Unit: "Count", Value: float64(i)})
	}
	payload, err := r.JSON()
	if err != nil {
		s.t.Fatal(err)
	}
	d := s.link.Publish("pi/"+device+"/samples", payload)
	<-d.Done()
	return d.Err()
}

func (s *supervised) ledger(ctx context.Context) (all []ledger.Account, err error) {
	return all, control.Call(ctx, s.cfg.Data.Dir, "GET", "/ledger", nil, &all)
}

func addDevice(t *testing.T, dir, name string) (password string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	list, err := devices.Open(datadir.Devices(dir))
	if err != nil {
		t.Fatal(err)
	}
	if password, err = list.Add(name, true); err != nil {
		t.Fatal(err)
	}
	return password
}

// Pages of the store are overwritten while the gateway runs: it stays up, goes on with what can be read, and counts
// the rest.
func TestGateway_damagedStore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cfg := worldConfig(cloud.Metric)
	cfg.Rollup.Window, cfg.Intake.MaxMetrics = time.Hour, 10000 // so that all waits
	w := newWorld(t, nil, nil, &cfg)
	password := addDevice(t, cfg.Data.Dir, "kitchen")
	s := startSupervised(w, cfg)
	s.ready(ctx, 1, "kitchen", password)
	const reports, samples = 120, 500
	for range reports {
		if err := s.send("kitchen", samples); err != nil {
			t.Fatal(err)
		}
	}
	s.seq--
	if err := s.send("kitchen", samples); err != nil { // a duplicate writes the ledger
		t.Fatal(err)
	}
	f, err := os.OpenFile(datadir.Queue(cfg.Data.Dir), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	if info.Size() < 500*page {
		t.Fatalf("the store has %d bytes, too few pages to be spoiled", info.Size())
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xaa}, 60*page), 300*page); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for { // until a reader meets it
		if _, err := s.ledger(ctx); err != nil {
			break
		}
	}
	s.ready(ctx, 2, "kitchen", password)
	if err := s.send("kitchen", 1); err != nil {
		t.Errorf("after the damage: %v", err)
	}
	accounts, err := s.ledger(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.Balance(accounts); err != nil {
		t.Error(err)
	}
	a := accounts[0]
	if lost := a.Dropped[queue.ReasonDamaged]; a.Stored != reports*samples+1 || lost == 0 || lost > reports*samples/2 {
		t.Errorf("got %d stored, %d of them lost, want %d and a part", a.Stored, lost, reports*samples+1)
	}
	if found, _ := filepath.Glob(filepath.Join(cfg.Data.Dir, "queue.damaged-*Z")); len(found) != 1 {
		t.Errorf("got %q set aside, want one", found)
	}
	if err := control.Call(ctx, cfg.Data.Dir, "GET", "/healthz", nil, nil); err != nil {
		t.Errorf("healthz: %v", err)
	}
}

// wantWaiting wants health to say that the gateway waits for its disk, why, and what to do.
func wantWaiting(ctx context.Context, t *testing.T, dataDir, why, fix string) {
	t.Helper()
	err := ctl.Health(ctx, dataDir, &bytes.Buffer{})
	if err == nil {
		t.Fatal("health: no error from a gateway that waits for its disk")
	}
	for _, part := range []string{"a gateway has this data folder", "waiting for the disk", why, "try: " + fix} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("health: got %q, want …%s…", err, part)
		}
	}
}

// mountSmall mounts a file system in memory until the test ends. The size may have more options of tmpfs behind it.
func mountSmall(t *testing.T, size string) (dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a small file system: run the tests as root for this one")
	}
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return dir
}

// On a read-only disk the gateway waits, says so once, and starts when it is writable.
func TestGateway_readOnlyDisk(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := mountSmall(t, "64m")
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	cfg.Data.Dir = filepath.Join(dir, "data")
	password := addDevice(t, cfg.Data.Dir, "kitchen")
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	s := startSupervised(w, cfg)
	if line := s.said.Want(ctx, t, "the disk cannot be used"); !strings.Contains(line, "read-only") ||
		!strings.Contains(line, "try=") {
		t.Errorf("got %q, want what it is and what to do", line)
	}
	wantWaiting(ctx, t, cfg.Data.Dir, "read-only file system", "look at the kernel's log (dmesg), mount the disk writable")
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	s.ready(ctx, 1, "kitchen", password)
	if err := s.send("kitchen", 1); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	if err := ctl.Health(ctx, cfg.Data.Dir, &out); err != nil || !strings.HasPrefix(out.String(), "ok") {
		t.Errorf("health: got %q, %v, want ok", out.String(), err)
	}
	if found := s.said.With("the disk cannot be used"); len(found) != 1 {
		t.Errorf("got %d lines, want one:\n%s", len(found), strings.Join(found, "\n"))
	}
}

// On a full disk reports are not acknowledged, health is red, and both end by themselves.
func TestGateway_fullDisk(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := mountSmall(t, "64m")
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	cfg.Data.Dir = filepath.Join(dir, "data")
	password := addDevice(t, cfg.Data.Dir, "kitchen")
	s := startSupervised(w, cfg)
	s.ready(ctx, 1, "kitchen", password)
	hog, err := os.Create(filepath.Join(dir, "hog"))
	if err != nil {
		t.Fatal(err)
	}
	for n := 1 << 20; n >= 512; n /= 2 {
		for err = nil; err == nil; {
			_, err = hog.Write(make([]byte, n))
		}
	}
	for err = nil; err == nil; {
		err = s.send("kitchen", 100)
	}
	if err := ctl.Health(ctx, cfg.Data.Dir, &bytes.Buffer{}); err == nil ||
		!strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("health: got %v, want that the disk is full", err)
	}
	if err := hog.Truncate(0); err != nil {
		t.Fatal(err)
	}
	if err := hog.Close(); err != nil {
		t.Fatal(err)
	}
	s.said.Want(ctx, t, "the store takes reports again")
	s.ready(ctx, 1, "kitchen", password) // connects again
	if err := s.send("kitchen", 1); err != nil {
		t.Error(err)
	}
	if err := ctl.Health(ctx, cfg.Data.Dir, &bytes.Buffer{}); err != nil {
		t.Errorf("health: %v", err)
	}
}

// A mistake of the user ends the program.
func TestSupervise_mistake(t *testing.T) {
	cfg := worldConfig(cloud.Metric)
	newWorld(t, nil, nil, &cfg)
	lock, err := datadir.Lock(cfg.Data.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }() // frees the lock
	if err := Supervise(t.Context(), cfg, slog.New(slog.DiscardHandler)); err == nil ||
		!strings.Contains(err.Error(), "another piway-gateway") {
		t.Errorf("got %v, want that another gateway has the folder", err)
	}
	cfg.Uplink.Certs.Dir = filepath.Join(t.TempDir(), "none")
	if err := Supervise(t.Context(), cfg, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("started without certificates")
	}
}
