package formats

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/agent/agent"
	"piway/agent/spool"
	"piway/gateway/backup"
	"piway/gateway/devices"
	"piway/gateway/queue"
	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/pki"
)

// left returns a copy of what each release has left, which may be written to.
func left(t *testing.T, read func(t *testing.T, dir string)) {
	t.Helper()
	releases, err := filepath.Glob("testdata/*")
	if err != nil || len(releases) == 0 {
		t.Fatalf("no release in testdata (%v): see doc.go", err)
	}
	for _, release := range releases {
		t.Run(filepath.Base(release), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(release)); err != nil {
				t.Fatal(err)
			}
			read(t, dir)
		})
	}
}

// What is not sent yet is sent, and the account goes on.
func TestStore(t *testing.T) {
	t.Parallel()
	left(t, func(t *testing.T, dir string) {
		q, err := queue.Open(t.Context(), queue.Config{
			Path: filepath.Join(dir, "gateway", "queue.db"), Window: time.Second, MaxBytes: 64 << 20, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx) }()
		defer func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}()
		all, err := q.Ledger(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != 1 || all[0].Device != "kitchen" || all[0].Waiting == 0 || all[0].Sent == 0 {
			t.Errorf("got %+v, want samples of the kitchen, some sent and some waiting", all)
		}
		if aside, err := filepath.Glob(filepath.Join(dir, "gateway", "*damaged*")); err != nil || len(aside) > 0 {
			t.Errorf("it is taken for damaged: %q, %v", aside, err)
		}
	})
}

// Each device is who it was, and the authority is the one that the agent knows.
func TestDevices(t *testing.T) {
	t.Parallel()
	left(t, func(t *testing.T, dir string) {
		list, err := devices.Open(filepath.Join(dir, "gateway", "devices.json"))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, e := range list.Entries(devices.Moment{Wall: time.Now(), Right: true}) {
			got[e.Name] = e.Kind + " " + e.State
		}
		delete(got, "attic") // invited, for an hour
		want := map[string]string{
			"kitchen": "key offline", "garden": "password offline", "plug": "plain offline", "lost": " revoked",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got): %s", diff)
		}
		authority, err := pki.OpenAuthority(filepath.Join(dir, "gateway", "pki"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]pki.Sum{authority.Pin()}, agentConfig(t, dir).Gateway.Pins); diff != "" {
			t.Errorf("pins (-the authority's +the agent's): %s", diff)
		}
	})
}

func agentConfig(t *testing.T, dir string) agent.Config {
	t.Helper()
	cfg := agent.Default()
	if err := config.Load(filepath.Join(dir, "agent", "agent.yaml"), &cfg); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestConfigurations(t *testing.T) {
	t.Parallel()
	left(t, func(t *testing.T, dir string) {
		cfg, err := settings.Load(filepath.Join(dir, "gateway", "gateway.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Site != "home" || cfg.Queue.MaxBytes != 64<<20 || len(cfg.Rollup.Rules) != 1 || cfg.Broker.MDNS {
			t.Errorf("got %+v", cfg)
		}
		a := agentConfig(t, dir)
		if a.Device != "kitchen" || a.Collect.Interval != time.Second || a.Spool.After != time.Second || a.Gateway.MDNS {
			t.Errorf("got %+v", a)
		}
		key := filepath.Join(dir, "agent", filepath.Base(a.Gateway.KeyFile))
		if _, err := pki.LoadDeviceKey(key); err != nil {
			t.Error(err)
		}
	})
}

// What the agent could not send goes first.
func TestSpool(t *testing.T) {
	t.Parallel()
	left(t, func(t *testing.T, dir string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s := spool.Open(spool.Config{
			Run: "now", Dir: filepath.Join(dir, "agent"), After: time.Second, MaxBytes: 1 << 20, MaxReports: 100,
			Log: slog.New(slog.DiscardHandler),
		})
		defer s.Close()
		_, r, err := s.Next(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		if r.Run == "now" || r.Run == "" || len(r.Samples) == 0 {
			t.Errorf("got %+v, want a report of the earlier process", r)
		}
	})
}

func TestBackup(t *testing.T) {
	t.Parallel()
	left(t, func(t *testing.T, dir string) {
		f, err := os.Open(filepath.Join(dir, "backup.tar"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close() //nolint:errcheck // only read
		a, err := backup.Read(f)
		if err != nil {
			t.Fatal(err)
		}
		if a.Devices != 4 || a.Revoked != 1 || !a.HasAuthority() || a.HasAWSKey() {
			t.Errorf("got %d devices, %d of them revoked; authority %v, AWS key %v", a.Devices, a.Revoked,
				a.HasAuthority(), a.HasAWSKey())
		}
	})
}
