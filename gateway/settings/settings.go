// Package settings is gateway.yaml: its keys, defaults and rules. Its one promise: what Load returns is whole and
// sound; every mistake is told at once, with its key, its value and the fix.
package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/names"
	"piway/gateway/rollup"
	"piway/shared/config"
	"piway/shared/sample"
)

// Config is gateway.yaml. configs/gateway.yaml explains every key.
type Config struct {
	Site   string `yaml:"site"`
	Data   Data   `yaml:"data"`
	Broker Broker `yaml:"broker"`
	Intake Intake `yaml:"intake"`
	Queue  Queue  `yaml:"queue"`
	Rollup Rollup `yaml:"rollup"`
	Uplink Uplink `yaml:"uplink"`
	Log    Log    `yaml:"log"`
}

// Data is where the gateway keeps what must outlive it.
type Data struct {
	Dir string `yaml:"dir"`
}

// Broker is the MQTT server on the LAN.
type Broker struct {
	ListenTLS                string        `yaml:"listen_tls"`
	Listen                   string        `yaml:"listen"`
	Advertise                []string      `yaml:"advertise"`
	MDNS                     bool          `yaml:"mdns"`
	TopicPrefix              string        `yaml:"topic_prefix"`
	ScriptTopics             []string      `yaml:"script_topics"`
	MaxConnections           int           `yaml:"max_connections"`
	MaxConnectionsPerAddress int           `yaml:"max_connections_per_address"`
	MaxPacket                config.Size   `yaml:"max_packet"`
	MaxPending               int           `yaml:"max_pending"`
	ConnectTimeout           time.Duration `yaml:"connect_timeout"`
	SilenceAfter             time.Duration `yaml:"silence_after"`
}

// Intake is what is taken of what devices send.
type Intake struct {
	NameTemplate   string        `yaml:"name_template"`
	ClockTolerance time.Duration `yaml:"clock_tolerance"`
	TrustClock     bool          `yaml:"trust_clock"`
	MaxSamples     int           `yaml:"max_samples"`
	MaxMetrics     int           `yaml:"max_metrics"`
}

// Queue is the store on disk.
type Queue struct {
	CommitInterval time.Duration `yaml:"commit_interval"`
	MaxBytes       config.Size   `yaml:"max_bytes"`
	MaxAge         time.Duration `yaml:"max_age"`
	ThinAfter      time.Duration `yaml:"thin_after"`
}

// Rollup is how samples are reduced to what the cloud is paid for.
type Rollup struct {
	Window time.Duration `yaml:"window"`
	Grace  time.Duration `yaml:"grace"`
	Rules  []Rule        `yaml:"rules"`
}

// maxLinger is most of the 5 s over which the agents of a fleet spread their reports. Some programs take a message for
// lost after 5 s.
const maxLinger = 4500 * time.Millisecond

// Linger is how long what an agent sends may wait for others on its way to the disk. It is little of a window, so that
// no datum comes later for it.
func (c *Rollup) Linger() time.Duration { return min(maxLinger, c.Window/10) }

// Rule is how some metrics are reduced.
type Rule struct {
	Match  string `yaml:"match"`
	Reduce string `yaml:"reduce"`
}

// Log is what is logged, to standard error.
type Log struct {
	Level string `yaml:"level"`
}

// Default returns what configs/gateway.yaml says. The endpoint must be set by the user.
func Default() Config {
	return Config{
		Data: Data{Dir: "/var/lib/piway"},
		Broker: Broker{
			Listen: ":1883", MDNS: true, TopicPrefix: "pi", ScriptTopics: []string{"raspi/metrics"},
			MaxConnections: 4096, MaxConnectionsPerAddress: 1024,
			MaxPacket: 128 << 10, MaxPending: 64, ConnectTimeout: 10 * time.Second, SilenceAfter: 15 * time.Minute,
		},
		Intake: Intake{
			NameTemplate: "{name} ({device})", ClockTolerance: 10 * time.Second, MaxSamples: 1000,
			MaxMetrics: 100,
		},
		Queue:  Queue{MaxBytes: 4 << 30, MaxAge: 14 * 24 * time.Hour},
		Rollup: Rollup{Window: time.Minute, Grace: 10 * time.Second},
		Uplink: Uplink{
			Form: cloud.Metric, ClientID: "piway-gateway", Namespace: "RaspberryPi", ErrorsTopic: "piway/errors",
			Canary: 24 * time.Hour,
			Certs:  Certs{Dir: "/etc/piway/certs"}, RuleHasTimestamp: true,
			Window: 50, PublishesPerSecond: 100, BytesPerSecond: 500 << 10,
			AckTimeout: 30 * time.Second, StallAfter: time.Minute, ConnectInterval: 11 * time.Second,
			MaxBackoff: 5 * time.Minute, KeepAlive: time.Minute,
		},
		Log: Log{Level: "info"},
	}
}

// Load reads a configuration. Every mistake in it is told.
func Load(path string) (Config, error) {
	c := Default()
	return c, config.Load(path, &c)
}

// Absent is what can be done where there is no configuration.
func (*Config) Absent() string {
	return "sudo -E piway-gateway aws setup, or sudo piway-gateway try, which make it; or name another file with --config"
}

// DefaultPath is where a configuration is looked for.
const DefaultPath = "/etc/piway/gateway.yaml"

// LoadOrDefault is Load for what comes before there is a configuration: a file that is not there, at the default
// place, is one that says nothing.
func LoadOrDefault(path string) (Config, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && path == DefaultPath {
		return Default(), nil
	}
	return Load(path)
}

// Naming is how metrics are named in the cloud.
func (c *Config) Naming() names.Names { return names.New(c.Intake.NameTemplate, c.Site) }

// Validate returns every mistake, each led by its key.
func (c *Config) Validate() error {
	return errors.Join(c.validateSite(), c.Data.validate(), c.Broker.validate(), c.Intake.validate(c.Site),
		c.Queue.validate(),
		c.Rollup.validate(c.Intake.ClockTolerance, c.Uplink.Form), c.Uplink.validate(c.Site), c.Log.validate())
}

// sitePattern leaves room for the rest of a client id, and holds nothing that a topic, an ARN or a name would have to
// escape.
var sitePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)

func (c *Config) validateSite() error {
	if c.Site == "" || sitePattern.MatchString(c.Site) {
		return nil
	}
	return config.Errorf("site", "must have 1 to 32 letters, digits, dots, hyphens or underscores, starting with a "+
		"letter or digit, got %q", c.Site)
}

// within checks a number against its bounds.
func within[T ~int | ~int64](key string, v, lo, hi T) error {
	if v < lo || v > hi {
		return config.Errorf(key, "must be between %v and %v, got %v", lo, hi, v)
	}
	return nil
}

func (c *Data) validate() error {
	if c.Dir == "" {
		return config.Errorf("data.dir", "must be a folder, got nothing")
	}
	return nil
}

func (c *Broker) validate() error {
	errs := []error{
		within("broker.max_connections", c.MaxConnections, 1, 100_000),
		within("broker.max_connections_per_address", c.MaxConnectionsPerAddress, 1, 100_000),
		c.validateMaxPacket(),
		within("broker.max_pending", c.MaxPending, 1, 1024),
		within("broker.connect_timeout", c.ConnectTimeout, time.Second, time.Minute),
		within("broker.silence_after", c.SilenceAfter, 0, 30*24*time.Hour),
		plainTopic("broker.topic_prefix", c.TopicPrefix),
		validateListen("broker.listen_tls", c.TLSAddress(), ":8883"),
		validateListen("broker.listen", c.Listen, ":1883"),
		c.validateAdvertise(),
	}
	for i, t := range c.ScriptTopics {
		errs = append(errs, plainTopic(fmt.Sprintf("broker.script_topics[%d]", i), t))
	}
	return errors.Join(errs...)
}

// validateMaxPacket refuses a bound below what agents send: they would connect and send the same again for ever.
func (c *Broker) validateMaxPacket() error {
	if c.MaxPacket < sample.LeastPacket {
		return config.Errorf("broker.max_packet", "must be at least %s, because agents send a backlog in packets of up to "+
			"that size and are disconnected for a larger one, got %s; leave it out for %s",
			config.Size(sample.LeastPacket), c.MaxPacket, Default().Broker.MaxPacket)
	}
	return within("broker.max_packet", c.MaxPacket, sample.LeastPacket, 1<<20)
}

// plainTopic checks a topic that is published to.
func plainTopic(key, topic string) error {
	if topic == "" || strings.ContainsAny(topic, "+#\x00") || strings.HasPrefix(topic, "$") ||
		strings.HasPrefix(topic, "/") || strings.HasSuffix(topic, "/") {
		return config.Errorf(key, "must be a topic without wildcards, not starting with $ nor / and not ending with /, got %q", topic)
	}
	return nil
}

func (c *Intake) validate(site string) error {
	errs := []error{
		within("intake.clock_tolerance", c.ClockTolerance, time.Second, time.Hour),
		c.validateMaxSamples(),
		within("intake.max_metrics", c.MaxMetrics, 1, 10_000),
	}
	if strings.Count(c.NameTemplate, "{name}") != 1 || !strings.Contains(c.NameTemplate, "{device}") {
		errs = append(errs, config.Errorf("intake.name_template", "must have {name} once, and {device}, or the metrics of "+
			"two devices would be one, got %q", c.NameTemplate))
	}
	if site == "" && strings.Contains(c.NameTemplate, "{site}") {
		errs = append(errs, config.Errorf("intake.name_template", "has {site}, but site is not set: set it or remove "+
			"{site}, got %q", c.NameTemplate))
	}
	return errors.Join(errs...)
}

// validateMaxSamples refuses a bound below what agents pack: a larger report is refused whole, and acknowledged.
func (c *Intake) validateMaxSamples() error {
	if c.MaxSamples < sample.ReportSamples {
		return config.Errorf("intake.max_samples", "must be at least %d, because agents send a backlog in reports of up to "+
			"so many samples, and a larger one is refused whole, got %d; leave it out for %d",
			sample.ReportSamples, c.MaxSamples, Default().Intake.MaxSamples)
	}
	return within("intake.max_samples", c.MaxSamples, sample.ReportSamples, 10_000)
}

func (c *Queue) validate() error {
	return errors.Join(
		within("queue.commit_interval", c.CommitInterval, 0, 10*time.Second),
		within("queue.max_bytes", c.MaxBytes, 1<<20, 1<<40),
		within("queue.max_age", c.MaxAge, time.Hour, 14*24*time.Hour),
		c.validateThinAfter(),
	)
}

func (c *Queue) validateThinAfter() error {
	if c.ThinAfter == 0 {
		return nil
	}
	return within("queue.thin_after", c.ThinAfter, time.Hour, 14*24*time.Hour)
}

func (c *Rollup) validate(tolerance time.Duration, form string) error {
	errs := []error{
		within("rollup.window", c.Window, time.Second, time.Hour),
		within("rollup.grace", c.Grace, time.Second, time.Hour),
	}
	if c.Window%time.Second != 0 || (24*time.Hour)%max(c.Window, 1) != 0 {
		errs = append(errs, config.Errorf("rollup.window",
			"must be whole seconds and divide a day evenly, such as 60s or 5m, got %s", c.Window))
	}
	if c.Grace < tolerance {
		errs = append(errs, config.Errorf("rollup.grace", "must be at least intake.clock_tolerance (%s), or a slow clock "+
			"splits a window in two, got %s", tolerance, c.Grace))
	}
	for i, r := range c.Rules {
		errs = append(errs, r.validate(fmt.Sprintf("rollup.rules[%d]", i), form))
	}
	return errors.Join(errs...)
}

func (c *Rule) validate(key, form string) error {
	var errs []error
	if err := rollup.CheckPattern(c.Match); err != nil || c.Match == "" {
		errs = append(errs, config.Errorf(key+".match", `must be a pattern such as "cpu *", got %q`, c.Match))
	}
	switch reduce := rollup.Reduction(c.Reduce); {
	case !slices.Contains(rollup.Reductions, reduce):
		errs = append(errs, config.Errorf(key+".reduce", "must be one of %v, got %q", rollup.Reductions, c.Reduce))
	case reduce == rollup.Values && form != cloud.EMF:
		errs = append(errs, config.Errorf(key+".reduce", "values needs uplink.form: emf, since a message of the %s form "+
			"holds one value", form))
	}
	return errors.Join(errs...)
}

func (c *Log) validate() error {
	var l slog.Level
	if err := l.UnmarshalText([]byte(c.Level)); err != nil {
		return config.Errorf("log.level", "must be debug, info, warn or error, got %q", c.Level)
	}
	return nil
}
