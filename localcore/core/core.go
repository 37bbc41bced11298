// Package core is the local stand-in for AWS, wired: broker → rules → CloudWatch, and a page of JSON to look at.
// Its one promise: Run leaves nothing behind, no goroutine and no open port.
package core

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/configs/aws"
	"piway/localcore/broker"
	"piway/localcore/cloudwatch"
	"piway/localcore/rules"
	"piway/shared/config"
	"piway/shared/pki"
)

// builtInRule is the rule that is used when none is configured, by the name that Basic Ingest calls it.
const builtInRule = aws.MetricRuleName

// Config says what a Core serves and where.
type Config struct {
	// Listen is the TCP address for MQTT over mutual TLS, HTTP the one for metrics.json; port 0 takes a free one.
	Listen, HTTP string
	// Certs is the certificate folder. One that has no certificates gets a new set.
	Certs string
	// Hosts are the names and addresses in a server certificate that is made; none means this machine's loopback names.
	Hosts []string
	// Rules are topic-rule files. None means the built-in copy of configs/aws/rules/piway_metric.json.
	Rules []string
	// OnDatum, if set, is called for each datum that CloudWatch took, before the sender gets its PUBACK, from any
	// goroutine. It must not block.
	OnDatum func(cloudwatch.Datum)
}

// Default returns the configuration of `piway-localcore run` without flags.
func Default() Config {
	return Config{Listen: "127.0.0.1:8883", HTTP: "127.0.0.1:8080", Certs: "localcore-certs"}
}

// A Core is a running stand-in. Its methods are safe for concurrent use.
type Core struct {
	cfg       Config
	log       *slog.Logger
	store     *cloudwatch.Store
	engine    *rules.Engine
	broker    *broker.Broker
	http      net.Listener
	publishes atomic.Int64
}

// Open loads the rules, loads or makes the certificates, and listens. It serves nobody yet and starts no goroutine; Run
// does, and also releases what Open acquired. Errors name the file, or the flag to change.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*Core, error) {
	c := &Core{cfg: cfg, log: log, store: cloudwatch.New()}
	c.store.OnDatum = cfg.OnDatum
	list, err := loadRules(cfg.Rules)
	if err != nil {
		return nil, err
	}
	if c.engine, err = rules.New(list, c.services(), log.With("part", "rules")); err != nil {
		return nil, err
	}
	tlsConfig, err := c.certificates()
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	if c.http, err = lc.Listen(ctx, "tcp", cfg.HTTP); err != nil {
		return nil, config.Try(fmt.Errorf("opening http: %w", err), "another address with --http")
	}
	c.broker, err = broker.Open(ctx, cfg.Listen, broker.Options{
		TLS: tlsConfig, OnPublish: c.handle, Log: log.With("part", "broker"),
	})
	if err != nil {
		_ = c.http.Close() // nothing was accepted
		return nil, config.Try(fmt.Errorf("opening mqtt: %w", err), "another address with --listen")
	}
	return c, nil
}

func loadRules(files []string) ([]*rules.Rule, error) {
	if len(files) == 0 {
		r, err := rules.Parse(builtInRule, aws.MetricRule)
		if err != nil {
			return nil, fmt.Errorf("loading the built-in rule: %w", err)
		}
		return []*rules.Rule{r}, nil
	}
	list := make([]*rules.Rule, len(files))
	for i, file := range files {
		var err error
		if list[i], err = rules.Load(file); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (c *Core) certificates() (*tls.Config, error) {
	switch err := pki.MakeAWS(c.cfg.Certs, c.cfg.Hosts); {
	case err == nil:
		c.log.Info("certificates made", "dir", c.cfg.Certs)
	case !errors.Is(err, pki.ErrExists):
		return nil, err
	}
	return pki.Server(c.cfg.Certs)
}

// MQTTAddr is the address for MQTT over TLS.
func (c *Core) MQTTAddr() net.Addr { return c.broker.Addr() }

// HTTPAddr is the address of metrics.json.
func (c *Core) HTTPAddr() net.Addr { return c.http.Addr() }

// Run serves until ctx ends or a part fails, closes everything and returns when all goroutines have ended. Call it once;
// with a ctx that has ended it only releases what Open acquired.
func (c *Core) Run(ctx context.Context) error {
	c.log.Info("serving", "mqtt", c.MQTTAddr().String(), "http", c.HTTPAddr().String(), "certs", c.cfg.Certs)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.broker.Run(ctx) })
	g.Go(func() error { return serveHTTP(ctx, c.http, c.routes(), c.log.With("part", "http")) })
	return g.Wait()
}

func (c *Core) handle(p broker.Publish) {
	c.publishes.Add(1)
	c.engine.Handle(rules.Message{Topic: p.Topic, ClientID: p.ClientID, Payload: p.Payload, Time: p.Time})
}

// services are what rule actions call.
func (c *Core) services() rules.Services {
	return rules.Services{
		PutMetric: c.put,
		PutLogs: func(time.Time, string, []rules.LogEvent) error {
			return errors.New("CloudWatch Logs is not part of this stand-in")
		},
		Republish: func(string, byte, []byte) error { return nil }, // to no subscribers
		Notify:    func(string, []byte) error { return errors.New("SNS is not part of this stand-in") },
	}
}

// put is what a rule's cloudwatchMetric action calls.
func (c *Core) put(now time.Time, m rules.Metric) error {
	return c.store.Put(now, cloudwatch.Datum{Namespace: m.Namespace, Name: m.Name, Unit: m.Unit, Value: m.Value, Timestamp: m.Time})
}
