package agent_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/agent/agent"
	"piway/shared/config"
)

const sampleFile = "../../configs/agent.yaml"

var pin = strings.Repeat("0a", 32)

// plain is Config without Validate, so that it can be filled from zero.
type plain agent.Config

func TestConfig_sample_file_equals_the_defaults(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(sampleFile)
	if err != nil {
		t.Fatal(err)
	}
	var got plain
	if err := config.Decode(sampleFile, text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(agent.Default(), agent.Config(got)); diff != "" {
		t.Errorf("defaults and %s differ: %s", sampleFile, diff)
	}
	missing, err := config.Missing(text, agent.Config{})
	if err != nil || len(missing) != 0 {
		t.Errorf("keys that %s does not explain: %v, %v", sampleFile, missing, err)
	}
}

func TestConfig_default_is_valid(t *testing.T) {
	t.Parallel()
	if err := agent.Default().Validate(); err != nil {
		t.Error(err)
	}
}

func TestConfig_errors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"device: 'a b'", `agent.yaml:1: device: must be`},
		{"device: '-a'", `device: must be`},
		{"device: " + strings.Repeat("a", 64), `device: must be`},
		{"gateway: {address: gateway}", `gateway.address: must be host:port`},
		{"gateway: {address: 'h:99999'}", `gateway.address: the port must be`},
		{"gateway: {address: 'h:0'}", `gateway.address: the port must be`},
		{"gateway: {address: 'tcp://gateway.local:1883'}", `try: gateway.local:1883`},
		{"gateway: {address: gateway.local}", `with a port, got "gateway.local", try: gateway.local:1883`},
		{"gateway: {address: 'gateway.local:1883 '}", `without blanks, and of ASCII characters, got`},
		{"gateway: {address: 'fe80::1%eth0'}", `an IPv6 address in brackets`},
		{"gateway: {address: '[fe80::1]:1883'}", `with the interface of a link-local address, such as [fe80::1%eth0]`},
		{"gateway: {topic_prefix: 'pi/#'}", `gateway.topic_prefix: must be`},
		{"gateway: {topic_prefix: '/pi'}", `gateway.topic_prefix: must be`},
		{"gateway: {keep_alive: 1s}", `gateway.keep_alive: must be between 5s and 1h`},
		{"gateway: {password: x}", `unknown key`},
		{"gateway: {addresses: ['a:1883']}", `gateway.addresses: needs gateway.pins`},
		{"gateway: {key_file: /k}", `gateway.key_file: needs gateway.pins`},
		{"gateway: {pins: [abc]}", `gateway.pins[0]: `},
		{"gateway: {pins: [" + pin + "], address: 'h/x'}", `gateway.address: must be host:port such as gateway.local:8883`},
		{"gateway: {pins: [" + pin + "], addresses: [a, 'b:0']}", `gateway.addresses[1]: the port must be`},
		{"gateway: {pins: [" + pin + "], addresses: [a,b,c,d,e,f,g,h,i]}", `gateway.addresses: must be at most 8`},
		{"collect: {interval: 1ms}", `collect.interval: must be between`},
		{"collect: {disks: [data]}", `collect.disks[0]: must be an absolute path`},
		{"collect: {disks: [/, /]}", `collect.disks[1]: is listed twice`},
		{"collect: {disks: [/dätä]}", `collect.disks[0]: cannot be part of a metric's name`},
		{
			"collect: {disks: [], cpu: false, temperature: false, memory: false, health: false, folder: ''}",
			`nothing to collect`,
		},
		{"collect: {folder: run}", `collect.folder: must be an absolute path such as /run/piway`},
		{"spool: {dir: spool}", `spool.dir: must be an absolute path`},
		{"spool: {after: -1s}", `spool.after: must be between`},
		{"spool: {max_bytes: 1MiB}", `spool.max_bytes: must be between 4MiB`},
		{"spool: {max_age: 15d}", `spool.max_age: must be between 1m and 14d`},
		{"spool: {max_reports: 0}", `spool.max_reports: must be between`},
		{"log: {level: loud}", `log.level: must be`},
	} {
		cfg := agent.Default()
		err := config.Decode("agent.yaml", []byte(tt.text), &cfg)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestConfig_addresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"gateway.local:1883", "pi4:1883", "192.168.1.7:1883", "[::1]:1883", "[fe80::1%eth0]:1883", "[fe80::1%25eth0]:1883",
	} {
		cfg := agent.Default()
		cfg.Gateway.Address = address
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// With pins the port may be left out.
func TestConfig_pins(t *testing.T) {
	t.Parallel()
	cfg := agent.Default()
	if err := config.Decode("agent.yaml", []byte("gateway: {pins: ["+pin+"], address: gateway, addresses: ['[::1]', "+
		"'10.0.0.1:883']}"), &cfg); err != nil {
		t.Error(err)
	}
}

func TestConfig_all_mistakes_at_once(t *testing.T) {
	t.Parallel()
	cfg := agent.Default()
	err := config.Decode("agent.yaml", []byte("device: '?'\ncollect: {interval: 0s}\nspool: {max_reports: -1}\n"), &cfg)
	for _, want := range []string{
		"agent.yaml:1: device", "agent.yaml:2: collect.interval",
		"agent.yaml:3: spool.max_reports",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
