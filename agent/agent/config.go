package agent

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"piway/shared/address"
	"piway/shared/config"
	"piway/shared/pki"
	"piway/shared/sample"
)

// Config is agent.yaml; configs/agent.yaml explains every key.
type Config struct {
	// Device is the name under which this machine speaks; empty means its host name, see Name.
	Device  string  `yaml:"device"`
	Gateway Gateway `yaml:"gateway"`
	Collect Collect `yaml:"collect"`
	Spool   Spool   `yaml:"spool"`
	Log     Log     `yaml:"log"`
}

// Gateway says where the reports go.
type Gateway struct {
	Address string `yaml:"address"`
	// Addresses are others at which to look for the same gateway.
	Addresses []string `yaml:"addresses"`
	// Pins are who the gateway is; without any, all is sent in clear. With one or more, nothing ever is.
	Pins []pki.Sum `yaml:"pins"`
	// KeyFile is the key that is this device; "" for a password.
	KeyFile string `yaml:"key_file"`
	// MDNS looks for the gateway on the local network too.
	MDNS bool `yaml:"mdns"`
	// Username is empty for the device's name.
	Username     string        `yaml:"username"`
	PasswordFile string        `yaml:"password_file"`
	TopicPrefix  string        `yaml:"topic_prefix"`
	KeepAlive    time.Duration `yaml:"keep_alive"`
	// Password is put here by the program: it does not stand in the file.
	Password config.Secret `yaml:"-"`
}

// Collect says what is read, and how often.
type Collect struct {
	Interval    time.Duration `yaml:"interval"`
	Disks       []string      `yaml:"disks"`
	CPU         bool          `yaml:"cpu"`
	Temperature bool          `yaml:"temperature"`
	Memory      bool          `yaml:"memory"`
	// Health is all of the local readings, docs/metrics.md.
	Health bool `yaml:"health"`
	// Folder is where others put their readings; empty for none.
	Folder string `yaml:"folder"`
}

// Spool says where and how much is kept while the gateway is away.
type Spool struct {
	// Dir is empty to keep all in memory.
	Dir        string        `yaml:"dir"`
	After      time.Duration `yaml:"after"`
	MaxBytes   config.Size   `yaml:"max_bytes"`
	MaxAge     time.Duration `yaml:"max_age"`
	MaxReports int           `yaml:"max_reports"`
}

// Log says how much is told.
type Log struct {
	Level string `yaml:"level"`
}

// DefaultFolder is where others put their readings; the agent's unit for systemd makes it.
const DefaultFolder = "/run/piway"

// Absent is what can be done where there is no configuration.
func (Config) Absent() string {
	return "sudo piway-agent join TOKEN, which makes it: sudo piway-gateway invite NAME on the gateway prints that line; or name " +
		"another file with --config"
}

// Default returns the configuration of an agent that nobody has configured.
func Default() Config {
	return Config{
		Gateway: Gateway{
			Address: "localhost:1883", Addresses: []string{}, Pins: []pki.Sum{}, TopicPrefix: "pi", KeepAlive: time.Minute,
			MDNS: true,
		},
		Collect: Collect{
			Interval: 15 * time.Second, Disks: []string{"/"}, CPU: true, Temperature: true, Memory: true, Health: true,
			Folder: DefaultFolder,
		},
		Spool: Spool{
			Dir: "/var/lib/piway-agent", After: 30 * time.Second, MaxBytes: 64 << 20, MaxAge: 13 * 24 * time.Hour,
			MaxReports: 2000,
		},
		Log: Log{Level: "info"},
	}
}

// IsSetUp reports whether a person has said anything of a gateway: by joining, by a password, or by an address, behind
// which there may be another program than piway-gateway that asks for neither.
func (c Config) IsSetUp() bool {
	g, d := c.Gateway, Default().Gateway
	return g.KeyFile != "" || g.Password != "" || len(g.Pins) > 0 || g.Address != d.Address
}

// Name returns the device's name: the one configured, else the host name with "-" for what a name may not contain.
// It is empty if the host has no usable name, which Validate refuses.
func (c Config) Name() string {
	if c.Device != "" {
		return c.Device
	}
	host, err := os.Hostname()
	if err != nil {
		return ""
	}
	return deviceFrom(host)
}

// deviceFrom makes a device name of a host name: its first label, with "-" for what a name may not contain.
func deviceFrom(host string) string {
	host, _, _ = strings.Cut(host, ".")
	name := strings.Map(func(r rune) rune {
		if r < 128 && sample.IsDeviceName("a"+string(r)) {
			return r
		}
		return '-'
	}, host)
	name = strings.TrimLeft(name, "._-")
	return name[:min(len(name), sample.MaxDeviceName)]
}

// Validate returns all mistakes at once, each led by its key.
func (c Config) Validate() error {
	return errors.Join(c.checkDevice(), c.Gateway.check(), c.Collect.check(), c.Spool.check(), c.checkRest())
}

func (c Config) checkDevice() error {
	switch name := c.Name(); {
	case name == "":
		return config.Errorf("device", "this host has no usable name, set one")
	case !sample.IsDeviceName(name):
		return config.Errorf("device", "must be 1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit, got %q", name)
	}
	return nil
}

func (g Gateway) check() error {
	errs := g.checkPlaces()
	if g.TopicPrefix == "" || strings.ContainsAny(g.TopicPrefix, "+# \x00") || strings.HasPrefix(g.TopicPrefix, "$") ||
		strings.HasPrefix(g.TopicPrefix, "/") || strings.HasSuffix(g.TopicPrefix, "/") {
		errs = append(errs, config.Errorf("gateway.topic_prefix", "must be an MQTT topic such as pi or home/pi, got %q",
			g.TopicPrefix))
	}
	if g.KeepAlive < 5*time.Second || g.KeepAlive > time.Hour {
		errs = append(errs, config.Errorf("gateway.keep_alive", "must be between 5s and 1h, got %s", g.KeepAlive))
	}
	return errors.Join(errs...)
}

// maxAddresses bounds a round: each may take 3 s.
const maxAddresses = 8

func (g Gateway) checkPlaces() []error {
	var errs []error
	if err := g.checkAddress("gateway.address", g.Address); err != nil {
		errs = append(errs, err)
	}
	const needed = "sudo piway-agent join TOKEN, which sets all of them; sudo piway-gateway invite NAME prints the token"
	if len(g.Addresses) > maxAddresses {
		errs = append(errs, config.Errorf("gateway.addresses", "must be at most %d, got %d", maxAddresses, len(g.Addresses)))
	}
	if len(g.Addresses) > 0 && len(g.Pins) == 0 {
		errs = append(errs, config.Try(config.Errorf("gateway.addresses", "needs gateway.pins: nothing else tells which of "+
			"them is the gateway, and all is sent in clear"), needed))
	}
	for i, text := range g.Addresses {
		if err := g.checkAddress("gateway.addresses["+strconv.Itoa(i)+"]", text); err != nil {
			errs = append(errs, err)
		}
	}
	if g.KeyFile != "" && len(g.Pins) == 0 {
		errs = append(errs, config.Try(config.Errorf("gateway.key_file", "needs gateway.pins: the key is shown to a gateway "+
			"that is proved by a pin"), needed))
	}
	return errs
}

// port is where the gateway listens if the address does not say, "" if it must.
func (g Gateway) port() string {
	if len(g.Pins) > 0 {
		return securePort
	}
	return ""
}

// places are the addresses of the configuration as HOST:PORT.
func (g Gateway) places() []string {
	var all []string
	for _, text := range append([]string{g.Address}, g.Addresses...) {
		if len(g.Pins) > 0 {
			if a, err := address.Parse(text, securePort); err == nil { // as Validate has seen
				text = a.String()
			}
		}
		all = append(all, text)
	}
	return all
}

func (g Gateway) checkAddress(key, text string) error {
	_, err := address.Parse(text, g.port())
	m, ok := errors.AsType[*address.Mistake](err)
	if !ok {
		return nil
	}
	if m.Why == address.BadPort {
		return config.Errorf(key, "the port must be between 1 and 65535, got %q", text)
	}
	try := m.Try
	port := cmp.Or(g.port(), defaultPort)
	if _, err := address.Parse(text, port); err == nil { // nothing but the port is missing
		try = text + ":" + port
	}
	err = config.Errorf(key, "must be host:port such as gateway.local:%s, %s, got %q", port, m.Why, text)
	if try == "" {
		return err
	}
	return config.Try(err, try)
}

// MQTT's ports, without TLS and with it.
const (
	defaultPort = "1883"
	securePort  = "8883"
)

func (c Collect) check() error {
	var errs []error
	if c.Interval < 100*time.Millisecond || c.Interval > 24*time.Hour {
		errs = append(errs, config.Errorf("collect.interval", "must be between 100ms and 24h, got %s", c.Interval))
	}
	errs = append(errs, c.checkDisks()...)
	errs = append(errs, c.checkFolder())
	some := len(c.Disks) > 0 || c.Folder != ""
	if !some && !c.CPU && !c.Temperature && !c.Memory && !c.Health {
		errs = append(errs, config.Errorf("collect", "nothing to collect, switch something on"))
	}
	return errors.Join(errs...)
}

func (c Collect) checkFolder() error {
	if c.Folder == "" || filepath.IsAbs(c.Folder) {
		return nil
	}
	return config.Errorf("collect.folder", "must be an absolute path such as %s, or \"\" for none, got %q", DefaultFolder,
		c.Folder)
}

func (c Collect) checkDisks() []error {
	var errs []error
	seen := map[string]bool{}
	for i, path := range c.Disks {
		key := "collect.disks[" + strconv.Itoa(i) + "]"
		switch {
		case !filepath.IsAbs(path):
			errs = append(errs, config.Errorf(key, "must be an absolute path such as /, got %q", path))
		case sample.CheckName("disk usage "+path) != nil:
			errs = append(errs, config.Errorf(key, "cannot be part of a metric's name: %w",
				sample.CheckName("disk usage "+path)))
		case seen[path]:
			errs = append(errs, config.Errorf(key, "is listed twice: %q", path))
		}
		seen[path] = true
	}
	return errs
}

func (s Spool) check() error {
	var errs []error
	if s.Dir != "" && !filepath.IsAbs(s.Dir) {
		errs = append(errs, config.Errorf("spool.dir", "must be an absolute path such as /var/lib/piway-agent, or \"\" for "+
			"memory only, got %q", s.Dir))
	}
	for _, bound := range []struct {
		within bool
		err    error
	}{
		{s.After >= 0 && s.After <= 24*time.Hour, config.Errorf("spool.after", "must be between 0s and 24h, got %s",
			s.After)},
		{s.MaxBytes >= 4<<20 && s.MaxBytes <= 1<<40, config.Errorf("spool.max_bytes", "must be between 4MiB and 1TiB, got %s",
			s.MaxBytes)},
		{
			s.MaxAge >= time.Minute && s.MaxAge <= 14*24*time.Hour,
			config.Errorf("spool.max_age", "must be between 1m and 14d (CloudWatch takes nothing older), got %s", s.MaxAge),
		},
		{s.MaxReports >= 1 && s.MaxReports <= 1_000_000, config.Errorf("spool.max_reports", "must be between 1 and "+
			"1000000, got %d", s.MaxReports)},
	} {
		if !bound.within {
			errs = append(errs, bound.err)
		}
	}
	return errors.Join(errs...)
}

func (c Config) checkRest() error {
	var errs []error
	switch c.Log.Level {
	case "debug", "info", "warn", "error":
	default:
		errs = append(errs, config.Errorf("log.level", "must be debug, info, warn or error, got %q", c.Log.Level))
	}
	return errors.Join(errs...)
}
