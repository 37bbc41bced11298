// Package agent is the agent: it reads the machine on time and hands the reports on.
// A slow sensor or an absent gateway never delays the next reading.
package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/agent/collect"
	"piway/agent/find"
	"piway/agent/own"
	"piway/agent/publish"
	"piway/agent/spool"
	"piway/shared/backoff"
	"piway/shared/clock"
	"piway/shared/config"
	"piway/shared/mqttlink"
	"piway/shared/sample"
)

// farewell is how long reports may still be acknowledged after the end was asked for.
const farewell = 2 * time.Second

// primeWait is the interval over which a single report measures the CPU.
const primeWait = time.Second

// Run is the agent. It samples until ctx ends, gives what is pending two seconds to be acknowledged, and returns nil.
// What is not acknowledged then is kept on disk for the next start. It returns an error only at once, for a
// configuration that cannot work.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	if err := tellClock(log); err != nil {
		return err
	}
	gateway, err := cfg.finder(log)
	if err != nil {
		return err
	}
	defer gateway.Close()
	kept := spool.Open(spoolConfig(cfg, log))
	if err := kept.Taken(); err != nil {
		kept.Close()
		return config.Try(config.Errorf("spool.dir", "%w", err), "sudo systemctl stop piway-agent, if the service is to make "+
			"room for this one; or another spool.dir")
	}
	s := newSampler(cfg, cfg.Spool.Dir, log)
	s.live = publish.NewLive()
	opt := publishOptions(cfg, cfg.Name(), gateway, log)
	opt.Live, opt.Wanted = s.live, s.want
	reports := &spread{Spool: kept, offset: offset(cfg), hurry: ctx.Done()}
	publisher := publish.New(opt, reports)

	// The publisher outlives ctx by the farewell.
	publishing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return publisher.Run(publishing) })
	group.Go(func() error {
		s.collector.Watch(ctx)
		return nil
	})
	group.Go(func() error {
		defer stop()
		s.run(ctx, reports)
		last, cancel := context.WithTimeout(publishing, farewell)
		defer cancel()
		_ = reports.Empty(last) // what is left goes to the disk
		return nil
	})
	log.Info("agent started", "device", cfg.Name(), "gateway", cfg.Gateway.Address, "interval", cfg.Collect.Interval)
	err = group.Wait()
	left := reports.Close()
	if left.Lost > 0 {
		log.Warn("stopping; reports that were not acknowledged are lost", "reports", left.Lost)
	}
	log.Info("agent stopped", "kept_on_disk", left.Bytes)
	return err
}

// Once returns one report of this machine. It takes a second if the CPU is to be measured.
func Once(ctx context.Context, cfg Config, log *slog.Logger) (sample.Report, error) {
	if err := cfg.Validate(); err != nil {
		return sample.Report{}, err
	}
	s := newSampler(cfg, existing(cfg.Spool.Dir), log)
	if err := s.prime(ctx); err != nil {
		return sample.Report{}, err
	}
	report, _ := s.read(ctx)
	if len(report.Samples) == 0 {
		return sample.Report{}, config.Try(fmt.Errorf("collecting: no sensor gave a value"), "piway-agent check")
	}
	report.Run, report.Seq = newRun(), 1
	return report, nil
}

// Publish sends one report and returns nil only after the gateway's PUBACK.
func Publish(ctx context.Context, cfg Config, r sample.Report, log *slog.Logger) error {
	gateway, err := cfg.visitor(log)
	if err != nil {
		return err
	}
	// Another client id, so that it does not end the connection of an agent that runs as a service.
	return cfg.hinted(publish.Once(ctx, publishOptions(cfg, cfg.Name()+"-once", gateway, log), r))
}

// Readings reads each sensor and returns what it gave or why not, and what the machine says of itself. It takes a
// second, for what is counted and compared.
func Readings(ctx context.Context, cfg Config, log *slog.Logger) ([]collect.Reading, map[string]string, error) {
	s := newSampler(cfg, existing(cfg.Spool.Dir), log)
	s.collector.Read(ctx)
	if err := backoff.Sleep(ctx, primeWait); err != nil {
		return nil, nil, err
	}
	return s.collector.Read(ctx), s.collector.Attributes(), nil
}

// Own returns what each file with own readings gave beside those of the agent. It writes nothing.
func Own(ctx context.Context, cfg Config, readings []collect.Reading, log *slog.Logger) []own.Outcome {
	agents := make([]sample.Sample, len(readings))
	for i := range readings {
		agents[i] = readings[i].Sample
	}
	return own.New(own.Options{Dir: cfg.Collect.Folder, Device: cfg.Name(), Quiet: true, Log: log}).Look(ctx, agents)
}

// Probe logs in at the gateway, leaves again, and returns where that was.
func Probe(ctx context.Context, cfg Config, log *slog.Logger) (find.Place, error) {
	gateway, err := cfg.visitor(log)
	if err != nil {
		return find.Place{}, err
	}
	opt := publishOptions(cfg, cfg.Name()+"-check", gateway, log)
	var at find.Place
	opt.Connect = func(ctx context.Context, o mqttlink.Options) (link *mqttlink.Link, _ string, err error) {
		link, at, err = gateway.Connect(ctx, o)
		return link, at.Address, err
	}
	err = publish.Probe(ctx, opt)
	return at, cfg.hinted(err)
}

// Username is the name with which the agent logs in. Where its key is who it is, that is the name of its topics.
func (c Config) Username() string {
	if c.Gateway.Username != "" && c.Gateway.KeyFile == "" {
		return c.Gateway.Username
	}
	return c.Name()
}

func publishOptions(cfg Config, clientID string, gateway *find.Finder, log *slog.Logger) publish.Options {
	return publish.Options{
		Connect: func(ctx context.Context, o mqttlink.Options) (*mqttlink.Link, string, error) {
			link, at, err := gateway.Connect(ctx, o)
			return link, at.Address, err
		},
		Login:     cfg.refused(),
		ClientID:  clientID,
		Username:  cfg.Username(),
		Password:  cfg.password(),
		Device:    cfg.Name(),
		Prefix:    cfg.Gateway.TopicPrefix,
		KeepAlive: cfg.Gateway.KeepAlive,
		Retry:     backoff.Backoff{Min: time.Second, Max: time.Minute},
		Uptime:    func(ctx context.Context) (string, float64) { m := collect.Machine(ctx); return m.Boot, m.Uptime },
		Log:       log.With("part", "publish"),
	}
}

func spoolConfig(cfg Config, log *slog.Logger) spool.Config {
	return spool.Config{
		Run: newRun(), Dir: cfg.Spool.Dir, After: cfg.Spool.After,
		MaxBytes: int64(cfg.Spool.MaxBytes), MaxAge: cfg.Spool.MaxAge, MaxReports: cfg.Spool.MaxReports,
		ClockRight: func() bool { return clock.Read() != clock.Unsynced }, Log: log.With("part", "spool"),
	}
}

// tellClock warns if the clock is not this machine's own.
func tellClock(log *slog.Logger) error {
	set, err := clock.Check()
	if set {
		log.Warn("the clock is set for tests", "variable", clock.Variable, "now", clock.Now())
	}
	return err
}

// existing returns a folder that is there, else "". A command that somebody calls as root must not make the folder: the
// service could not write to it.
func existing(dir string) string {
	if _, err := os.Stat(dir); err != nil {
		return ""
	}
	return dir
}

// newRun returns the random id of a process.
func newRun() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	return hex.EncodeToString(b[:])
}
