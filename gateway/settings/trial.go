package settings

import (
	"net/netip"
	"path/filepath"
	"strconv"

	"piway/gateway/cloud"
)

// A gateway is on trial while localcore stands in for AWS on its own machine, by `piway-gateway try`. Nothing of that is
// in a key of its own: the endpoint is this machine's, and the certificates are in a folder of the certificate folder,
// which a gateway passes over. So what was there before can be read from what is there now.

// trialDir is the folder in the certificate folder.
const trialDir = "try"

// OnTrial reports whether localcore stands in for AWS.
func (c *Config) OnTrial() bool { return c.TrialPort() != 0 }

// TrialPort is where localcore listens for MQTT on this machine's loopback, 0 if the gateway is not on trial.
func (c *Config) TrialPort() int {
	host, port, err := c.Uplink.HostPort()
	if err != nil || filepath.Base(c.Uplink.Certs.Dir) != trialDir {
		return 0
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() {
		return 0
	}
	n, _ := strconv.Atoi(port) // a port, as HostPort has it
	return n
}

// ForTrial returns the configuration of a gateway on trial, and WithoutTrial what it was before. Either returns what is
// so already as it is.
func (c Config) ForTrial(port int) Config {
	if !c.OnTrial() {
		c.Uplink.Certs.Dir = filepath.Join(c.Uplink.Certs.Dir, trialDir)
	}
	c.Uplink.Endpoint = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port)).String() //nolint:gosec // a port
	if c.Uplink.Rule == "" && c.Uplink.Topic == "" {
		c.Uplink.Rule = c.ownRule()
	}
	return c
}

// WithoutTrial see ForTrial.
func (c Config) WithoutTrial() Config {
	if !c.OnTrial() {
		return c
	}
	c.Uplink.Endpoint, c.Uplink.Certs.Dir = "", filepath.Dir(c.Uplink.Certs.Dir)
	if c.Uplink.Rule == c.ownRule() {
		c.Uplink.Rule = ""
	}
	return c
}

// ownRule is the one that is Piway's for the form.
func (c *Config) ownRule() string { return cloud.Names{}.For(c.Uplink.Form).Rule }

// TrialKeys are the keys that a trial sets, with the values of this configuration.
func (c *Config) TrialKeys() []Value {
	return []Value{
		{"uplink.endpoint", c.Uplink.Endpoint}, {"uplink.certs.dir", c.Uplink.Certs.Dir}, {"uplink.rule", c.Uplink.Rule},
	}
}

// CloudName is what the gateway sends to, for people.
func (c *Config) CloudName() string {
	if c.OnTrial() {
		return "localcore, which stands in for AWS (nothing reaches CloudWatch)"
	}
	return "AWS"
}
