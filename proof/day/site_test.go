package day_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/devices"
	"piway/gateway/encode"
	"piway/gateway/forward"
	"piway/gateway/intake"
	"piway/gateway/queue"
	"piway/gateway/queue/lyingdb"
	"piway/gateway/rollup"
	"piway/gateway/settings"
	"piway/gateway/uplink"
	"piway/shared/files/lying"
)

// A place is where a gateway's files are, and who counts what is written to them.
type place struct {
	dir, vfs string
	disk     *lying.Disk
	counter  *counter
}

// newPlace makes an empty store, outside of a bubble, with pages of a size, 0 for that which it has by itself.
func newPlace(t *testing.T, size int) *place {
	t.Helper()
	p := &place{dir: t.TempDir()}
	if size > 0 {
		presize(t, p.store(), size)
	}
	q, err := queue.Open(t.Context(), p.config(time.Now(), slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Run(ended); err != nil {
		t.Fatal(err)
	}
	p.counter = newCounter(t, p.store())
	p.disk = lying.New(p.dir)
	t.Cleanup(func() { _ = p.disk.Close() }) // its files are removed
	p.vfs = lyingdb.Register(t, p.disk)
	p.disk.Fail(p.counter.see)
	return p
}

// presize makes a file without tables, of which the pages have a size.
func presize(t *testing.T, path string, size int) {
	t.Helper()
	db, err := sql.Open("sqlite", path) // the driver is the store's
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), fmt.Sprintf("PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL; VACUUM", size))
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func (p *place) store() string { return filepath.Join(p.dir, "queue.db") }

// config is that of gateway/gateway, by the bubble's clock.
func (p *place) config(start time.Time, log *slog.Logger) queue.Config {
	cfg := settings.Default()
	c := queue.Config{
		Path: p.store(), Window: cfg.Rollup.Window, Grace: cfg.Rollup.Grace, CommitInterval: cfg.Queue.CommitInterval,
		Linger:   cfg.Rollup.Linger(),
		MaxBytes: int64(cfg.Queue.MaxBytes), MaxAge: min(cfg.Queue.MaxAge, forward.MaxAge), ThinAfter: cfg.Queue.ThinAfter,
		BootID: "boot", SinceBoot: func() time.Duration { return time.Since(start) + time.Hour }, Log: log, VFS: p.vfs,
	}
	if p.disk != nil {
		c.Files = p.disk
	}
	return c
}

// A site is a gateway's stages behind the broker, wired as gateway/gateway does, in a bubble.
type site struct {
	t      *testing.T
	start  time.Time
	list   *devices.List
	intake *intake.Intake
	queue  *queue.Queue
	aws    *aws
	uplink *uplink.Uplink
	work   sync.WaitGroup
	stop   func()
}

// saveEvery is that of gateway/gateway.
const saveEvery = 30 * time.Second

// newSite opens the stages for devices.
func newSite(t *testing.T, p *place, form string, trip time.Duration, names []string) *site {
	t.Helper()
	s := &site{t: t, start: time.Now()}
	cfg := settings.Default()
	cfg.Uplink.Form = form
	log := slog.New(slog.NewTextHandler(p.counter.text("log, to the journal"), nil))
	var err error
	if s.list, err = devices.OpenIn(p.disk, filepath.Join(p.dir, "devices.json")); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, err := s.list.Add(name, false); err != nil {
			t.Fatal(err)
		}
	}
	qc := p.config(s.start, log)
	if s.queue, err = queue.Open(t.Context(), qc); err != nil {
		t.Fatal(err)
	}
	s.intake = intake.New(intake.Config{
		Names: cfg.Naming(), ClockTolerance: cfg.Intake.ClockTolerance, MaxSamples: cfg.Intake.MaxSamples,
		MaxMetrics: cfg.Intake.MaxMetrics, Window: cfg.Rollup.Window, IsDevice: s.list.Has, Alike: s.list.Alike,
		Version: s.list.Version, Now: s.now, Owners: map[string]string{},
	})
	fc := forward.Config{
		Store: s.queue, Rollup: rollup.Settings{Window: cfg.Rollup.Window}, Form: encode.Metric,
		FormMark:     fmt.Sprint(cloud.Metric, " ", encode.MetricVersion),
		HasTimestamp: cfg.Uplink.RuleHasTimestamp, Now: time.Now, SinceBoot: qc.SinceBoot, Log: log,
	}
	if form == cloud.EMF {
		fc.Rollup.Default, fc.Rollup.Base = rollup.Values, cfg.Naming().Base
		fc.Form = encode.NewEMF(cfg.Uplink.Namespace, cfg.Site, fc.Rollup.Base)
		fc.FormMark = fmt.Sprintf("%s %d namespace %q site %q names %q", cloud.EMF, encode.EMFVersion, cfg.Uplink.Namespace,
			cfg.Site, cfg.Intake.NameTemplate)
	}
	s.aws = &aws{t: t, trip: trip}
	s.uplink = uplink.New(s.uplinkConfig(&cfg, log), forward.New(fc))
	s.run()
	return s
}

// uplinkConfig is that of gateway/gateway, with a pipe in the network's place.
func (s *site) uplinkConfig(cfg *settings.Config, log *slog.Logger) uplink.Config {
	c := &cfg.Uplink
	return uplink.Config{
		Broker: "tcp://aws", ClientID: cfg.Cloud().ClientID, Topic: cfg.Cloud().DataTopic(), Window: c.Window,
		PublishesPerSecond: c.PublishesPerSecond, BytesPerSecond: int(c.BytesPerSecond), AckTimeout: c.AckTimeout,
		SettleAfter: cfg.Rollup.Linger() / 5, StallAfter: c.StallAfter, ConnectInterval: c.ConnectInterval, MaxBackoff: c.MaxBackoff, KeepAlive: c.KeepAlive,
		Log: log, Dial: s.aws.dial,
	}
}

// run starts the stages; the queue ends after the others.
func (s *site) run() {
	queueCtx, stopQueue := context.WithCancel(context.Background())
	ctx, stop := context.WithCancel(context.Background())
	var last sync.WaitGroup
	last.Go(func() { s.check("queue", s.queue.Run(queueCtx)) })
	s.work.Go(func() { s.check("uplink", s.uplink.Run(ctx)) })
	s.work.Go(func() {
		tick := time.NewTicker(saveEvery)
		defer tick.Stop()
		for {
			s.check("devices", s.list.Save())
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	s.stop = func() {
		stop()
		s.work.Wait()
		s.aws.work.Wait()
		stopQueue()
		last.Wait()
	}
}

func (s *site) check(what string, err error) {
	if err != nil {
		s.t.Errorf("%s: %v", what, err)
	}
}

func (s *site) now() intake.Moment {
	return intake.Moment{Wall: time.Now(), Right: true, SinceBoot: time.Since(s.start) + time.Hour}
}

// handle takes a device's message as the gateway does, and returns when it is acknowledged.
func (s *site) handle(device string, payload []byte) {
	arrived := s.now()
	v := s.intake.Judge(device, payload, arrived)
	if len(v.Refused) > 0 {
		s.t.Errorf("refused: %+v", v.Refused)
	}
	done := make(chan error, 1)
	s.queue.Append(queue.Entry{
		Report: v.Report, Arrived: arrived.Wall, Unsure: !arrived.Right, SinceBoot: arrived.SinceBoot, Shift: v.Shift,
		Booted: v.Booted, Refused: v.Reasons, Claims: v.Claims, Uses: v.Uses, LocalCount: v.LocalCount,
	}, func(err error) { done <- err })
	err := <-done
	s.check("append", err)
	if err == nil {
		s.intake.Kept(&v)
	}
}
