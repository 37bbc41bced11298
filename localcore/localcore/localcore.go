// Package localcore is the local stand-in for AWS, wired: broker → rules → CloudWatch, faults on request, and a page
// to look at. Its one promise: Run leaves nothing behind, no goroutine and no open port.
package localcore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"piway/localcore/broker"
	"piway/localcore/cloudwatch"
	"piway/shared/config"
	"piway/shared/pki"
)

// Config says what a Core serves and where.
type Config struct {
	// Listen is the TCP address for MQTT over mutual TLS, HTTP the one for the page; port 0 takes a free one.
	Listen, HTTP string
	// Certs is the certificate folder. One that has no certificates gets a new set.
	Certs string
	// Hosts are the names and addresses in a server certificate that is made; none means this machine's loopback names.
	// The page is served under these names, under localhost and under every address.
	Hosts []string
	// ReadOnly shows the page to this machine and to private networks only, and takes no faults. It is for a page that
	// others can reach.
	ReadOnly bool
	// Rules are topic-rule files. None means the built-in copies of those in configs/aws/rules.
	Rules []string
	// SkipForeignActions loads rules without the actions that are not supported here.
	SkipForeignActions bool
	// Policies are policy files, which are in force together. None means that every client may do everything, or, with
	// BuiltInPolicy, what configs/aws/policy.json allows.
	Policies      []string
	BuiltInPolicy bool
	// Region and Account are in the ARNs that policies name; Thing is the thing that the certificate belongs to, if
	// any.
	Region, Account, Thing string
	// LogGroups are those that are there, as NAME or NAME:DAYS of retention; 14 days if none are given.
	LogGroups []string
	// Prices is a file with prices; "" means the built-in table.
	Prices string
	// Faults are switched on from the start, as NAME, NAME:LENGTH or NAME:LENGTH:VALUE.
	Faults []string
	// Record is a file to which each datum is appended that CloudWatch took, as a line of JSON (Recorded), before the
	// sender gets its PUBACK; "" keeps none.
	Record string
	// OnDatum, if set, is called for each datum that CloudWatch took, before the sender gets its PUBACK, from any
	// goroutine. It must not block.
	OnDatum func(cloudwatch.Datum)
}

// Default returns the configuration of `piway-localcore run` without flags.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:8883", HTTP: "127.0.0.1:8080", Certs: "localcore-certs",
		Region: defaultRegion, Account: defaultAccount, LogGroups: []string{defaultGroup},
	}
}

// A Core is a running stand-in. Its methods are safe for concurrent use.
type Core struct {
	cfg     Config
	log     *slog.Logger
	loaded  loaded
	started time.Time
	cloud   *Cloud
	broker  *broker.Broker
	faults  *faults
	http    net.Listener
	record  *recorder // nil if none is kept
}

// Open loads the rules and policies, loads or makes the certificates, and listens. It serves nobody yet and starts no
// goroutine; Run does, and also releases what Open acquired. Errors name the file, or the flag to change.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*Core, error) {
	c := &Core{cfg: cfg, log: log, started: time.Now()}
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(err, c.release(ctx))
	}
	return c, nil
}

// open acquires what Run serves with. After an error release frees what it has.
func (c *Core) open(ctx context.Context) (err error) {
	if c.loaded, err = load(&c.cfg); err != nil {
		return err
	}
	if c.cfg.Record != "" {
		if c.record, err = openRecorder(c.cfg.Record, c.log); err != nil {
			return err
		}
	}
	tlsConfig, err := c.certificates()
	if err != nil {
		return err
	}
	c.cloud, err = NewCloud(CloudConfig{
		Rules: c.loaded.rules, Groups: c.loaded.groups, Prices: c.loaded.prices, Start: c.started,
		Deliver: func(topic string, qos byte, payload []byte) error { return c.broker.Publish(topic, qos, payload) },
		OnDatum: c.took, Log: c.log,
	})
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	if c.http, err = lc.Listen(ctx, "tcp", c.cfg.HTTP); err != nil {
		return config.Try(fmt.Errorf("opening http: %w", err), "another address with --http")
	}
	if c.cfg.ReadOnly {
		c.http = newNarrow(c.http, maxReaders)
	}
	if err := c.openBroker(ctx, tlsConfig); err != nil {
		return config.Try(fmt.Errorf("opening mqtt: %w", err), "another address with --listen")
	}
	return c.startFaults()
}

// openBroker listens for MQTT and joins the broker to what lies behind it.
func (c *Core) openBroker(ctx context.Context, tlsConfig *tls.Config) (err error) {
	meter := c.cloud.Meter()
	c.broker, err = broker.Open(ctx, c.cfg.Listen, broker.Options{
		TLS: tlsConfig, Endpoints: endpoints(tlsConfig), Authorize: c.loaded.authorize,
		OnPublish:    func(p broker.Publish) { c.cloud.Handle(p.Topic, p.ClientID, p.Payload, p.Time) },
		OnConnect:    func(bytes int) { meter.Connect(time.Now(), bytes) },
		OnDisconnect: func() { meter.Disconnect(time.Now()) },
		OnMetered:    meter.Message,
		Log:          c.log.With("part", "broker"),
	})
	c.faults = newFaults(c.broker, c.cloud)
	return err
}

// took hands on a datum that CloudWatch took.
func (c *Core) took(d cloudwatch.Datum) {
	c.record.add(d)
	if c.cfg.OnDatum != nil {
		c.cfg.OnDatum(d)
	}
}

// startFaults switches on what the configuration asks for.
func (c *Core) startFaults() error {
	for _, text := range c.cfg.Faults {
		name, value, length, err := parseFault(text)
		if err == nil {
			err = c.faults.set(name, value, length)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// release frees what open acquired, however far it came. With a broker there is all that Run frees.
func (c *Core) release(ctx context.Context) error {
	if c.broker != nil {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		return c.Run(ended)
	}
	if c.http != nil {
		_ = c.http.Close() // nothing was accepted
	}
	c.record.close()
	return nil
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

// endpoints are the names that a client may ask this server for: those of its certificate. Some clients put an address
// where the standard wants a name.
func endpoints(cfg *tls.Config) []string {
	leaf := cfg.Certificates[0].Leaf
	if leaf == nil {
		return nil
	}
	names := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// MQTTAddr is the address for MQTT over TLS.
func (c *Core) MQTTAddr() net.Addr { return c.broker.Addr() }

// HTTPAddr is the address of the page.
func (c *Core) HTTPAddr() net.Addr { return c.http.Addr() }

// Broker is the message broker, for what tests look at.
func (c *Core) Broker() *broker.Broker { return c.broker }

// SetFault switches a fault on for a time, or off if that is 0. A value of "" means the fault's own.
func (c *Core) SetFault(name, value string, length time.Duration) error {
	return c.faults.set(name, value, length)
}

// Run serves until ctx ends or a part fails, closes everything and returns when all goroutines have ended. Call it
// once; with a ctx that has ended it only releases what Open acquired.
func (c *Core) Run(ctx context.Context) error {
	defer c.faults.stop()
	defer c.record.close()
	if ctx.Err() == nil {
		for _, w := range c.loaded.warnings {
			c.log.Warn(w)
		}
		c.log.Info("serving", "mqtt", c.MQTTAddr().String(), "http", c.HTTPAddr().String(), "certs", c.cfg.Certs, "rules",
			c.loaded.ruleNames(), "policy", c.loaded.names)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.broker.Run(ctx) })
	g.Go(func() error { return serveHTTP(ctx, c.http, c.routes(), c.log.With("part", "http")) })
	return g.Wait()
}
