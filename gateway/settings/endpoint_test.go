package settings

import (
	"fmt"
	"strings"
	"testing"

	"piway/gateway/cloud"
	"piway/shared/config"
)

// ask is part of what is said to try where the right endpoint cannot be told.
const ask = "describe-endpoint --endpoint-type iot:Data-ATS"

func TestUplink_endpoint(t *testing.T) {
	t.Parallel()
	const taken = ""
	for _, tt := range []struct {
		endpoint string
		mistake  string // "" if it is taken
		doubt    string // "" if nothing is odd
		try      string
	}{
		// What is right.
		{"", taken, "", ""},
		{"abc123-ats.iot.eu-west-1.amazonaws.com", taken, "", ""},
		{"abc123-ats.iot.eu-west-1.amazonaws.com:443", taken, "", ""},
		{"ABC123-ATS.IoT.EU-West-1.amazonaws.com.", taken, "", ""},
		{"abc123.ats.iot.cn-north-1.amazonaws.com.cn", taken, "", ""},
		{"abc123-ats.iot.us-gov-west-1.amazonaws.com", taken, "", ""},
		{"abc123-ats.iot-fips.us-east-1.amazonaws.com", taken, "", ""},
		{"abc123.iot-fips.us-east-1.amazonaws.com", taken, "", ""},
		{"abc123-ats.iot.eu-west-1.api.aws", taken, "", ""},
		{"t123.deviceadvisor.iot.eu-west-1.amazonaws.com", taken, "", ""},
		{"vpce-0123456789abcdef0-abcdefgh.data.iot.eu-west-1.vpce.amazonaws.com", taken, "", ""},
		{"iot.example.com", taken, "", ""}, // custom domains
		{"mqtt.house.example:8883", taken, "", ""},
		{"ec2-1-2-3-4.eu-west-1.compute.amazonaws.com:8883", taken, "", ""},
		// localcore, on this machine, on the LAN, in a container.
		{"127.0.0.1:18883", taken, "", ""},
		{"localhost:8883", taken, "", ""},
		{"localcore", taken, "", ""},
		{"local_core:8883", taken, "", ""},
		{"192.168.1.7:8883", taken, "", ""},
		{"100.100.1.2:8883", taken, "", ""},
		{"[::1]:8883", taken, "", ""},
		{"[fe80::1%eth0]:8883", taken, "", ""},
		{"[fd00::1]", taken, "", ""},
		{"pi4.local:8883", taken, "", ""},

		// Mistakes, with what was meant.
		{"https://abc-ats.iot.eu-west-1.amazonaws.com/", `without "https://"`, "", "abc-ats.iot.eu-west-1.amazonaws.com"},
		{"mqtts://localhost:8883", `without "mqtts://"`, "", "localhost:8883"},
		{"ssl://localhost:8883", `without "ssl://"`, "", "localhost:8883"},
		{"localhost:8883/", `without "/"`, "", "localhost:8883"},
		{"localhost/mqtt", `without "/mqtt"`, "", "localhost"},
		{" localhost:8883", "without blanks", "", "localhost:8883"},
		{"localhost:8883\n", "without blanks", "", "localhost:8883"},
		{"abc-ats. iot.eu-west-1.amazonaws.com", "without blanks", "", ask},
		{"localhost:", "with a port from 1 to 65535", "", "localhost"},
		{"localhost:88833", "with a port from 1 to 65535", "", "localhost"},
		{"localhost:mqtts", "with a port from 1 to 65535", "", "localhost"},
		{":8883", "with a host", "", ask},
		{"::1", "IPv6 address in brackets", "", "[::1]"},
		{"[fe80::1]:8883", "interface of a link-local address", "", ask},
		{"<prefix>-ats.iot.eu-west-1.amazonaws.com", "with a host name", "", ask},
		{"arn:aws:iot:eu-west-1:123456789012:cert/0", "without", "", ask},
		{"192.168.1.700", "or an IP address", "", ask},

		// Names of AWS behind which no broker is.
		{"abc123-ats", "not only its first part", "", ask},
		{"iot.eu-west-1.amazonaws.com", "for managing IoT Core", "", ask},
		{"iot-fips.us-east-1.amazonaws.com", "for managing IoT Core", "", ask},
		{"iot.eu-west-1.api.aws", "for managing IoT Core", "", ask},
		{"c123.credentials.iot.eu-west-1.amazonaws.com", "credential provider", "", ask},
		{"abc123.jobs.iot.eu-west-1.amazonaws.com", "iot:Jobs", "", ask},
		{"data.jobs.iot.cn-north-1.amazonaws.com.cn", "iot:Jobs", "", ask},
		{"data.tunneling.iot.eu-west-1.amazonaws.com:443", "tunnels", "", ask},
		{"greengrass-ats.iot.eu-west-1.amazonaws.com:8443", "Greengrass", "", ask},
		{"abc123-ats.iot.cn-north-1.amazonaws.com", ".amazonaws.com.cn in the regions of China", "", ask},
		{"abc123-ats.iot.eu-west-1.amazonaws.com.cn", ".amazonaws.com.cn in the regions of China", "", ask},

		// What is odd.
		{"abc123.iot.eu-west-1.amazonaws.com", taken, "old address", "abc123-ats.iot.eu-west-1.amazonaws.com"},
		{"abc123.iot.cn-north-1.amazonaws.com.cn", taken, "old address", "abc123.ats.iot.cn-north-1.amazonaws.com.cn"},
		{"data-ats.iot.eu-west-1.amazonaws.com", taken, "with AWS credentials", ask},
		{"data.ats.iot.cn-north-1.amazonaws.com.cn", taken, "with AWS credentials", ask},
		{"abc123-ats.iot.euwest1.amazonaws.com", taken, "names no region", ask},
		{"abc123-ats.iot.REGION.amazonaws.com", taken, "names no region", ask},
		{"abc123-ats.iot.eu-west-1.amazonaws.com:1883", taken, "ports 8883 and 443", "abc123-ats.iot.eu-west-1.amazonaws.com"},
		{"abc123-ats.iot.eu-west-1.amazonaws.com:8443", taken, "ports 8883 and 443", "abc123-ats.iot.eu-west-1.amazonaws.com"},
		{"52.16.1.2:8883", taken, "reached by a name", ask},
		{"[2a05:d018::1]:8883", taken, "reached by a name", ask},
	} {
		cfg := Default()
		text := fmt.Sprintf("uplink:\n  endpoint: %q\n", tt.endpoint)
		err, doubt := config.Decode("gateway.yaml", []byte(text), &cfg), cfg.Uplink.Doubt()
		for what, c := range map[string]struct {
			got  error
			want string
		}{"mistake": {err, tt.mistake}, "doubt": {doubt, tt.doubt}} {
			switch {
			case (c.got != nil) != (c.want != ""):
				t.Errorf("%q: got %s %v, want %q", tt.endpoint, what, c.got, c.want)
			case c.got == nil:
			case !strings.Contains(c.got.Error(), "uplink.endpoint: ") || !strings.Contains(c.got.Error(), c.want) ||
				!strings.Contains(c.got.Error(), fmt.Sprintf("got %q", tt.endpoint)):
				t.Errorf("%q: got %s %v, want key, value and %q", tt.endpoint, what, c.got, c.want)
			case config.Hint(c.got) != tt.try && (tt.try != ask || !strings.Contains(config.Hint(c.got), ask)):
				t.Errorf("%q: got %s with %q to try, want %q", tt.endpoint, what, config.Hint(c.got), tt.try)
			}
		}
		if err != nil && !strings.HasPrefix(err.Error(), "gateway.yaml:2: ") {
			t.Errorf("%q: got %v, want it with its line", tt.endpoint, err)
		}
	}
}

// The region is in AWS's names, and an address and other names have none.
func TestUplink_Region(t *testing.T) {
	t.Parallel()
	const none = cloud.RegionPlaceholder
	for endpoint, want := range map[string]string{
		"abc-ats.iot.eu-west-1.amazonaws.com:443": "eu-west-1", "abc.ats.iot.cn-north-1.amazonaws.com.cn": "cn-north-1",
		"abc-ats.iot.US-EAST-1.amazonaws.com": "us-east-1", "abc-ats.iot.ap-southeast-4.api.aws": "ap-southeast-4",
		"vpce-0-x.data.iot.eu-west-1.vpce.amazonaws.com": "eu-west-1", "abc-ats.iot-fips.us-gov-west-1.amazonaws.com": "us-gov-west-1",
		"127.0.0.1:8883": none, "": none, "a.iot.b.example.com": none, "abc-ats.iot.REGION.amazonaws.com": none, "[::1": none,
	} {
		c := Config{Uplink: Uplink{Endpoint: endpoint}}
		if got := c.Cloud().Region; got != want {
			t.Errorf("%q: got region %q, want %q", endpoint, got, want)
		}
	}
}

func TestBroker_listen(t *testing.T) {
	t.Parallel()
	for listen, try := range map[string]string{
		":1883": "", "[fe80::1%eth0]:1883": "", "127.0.0.1:0": "", "[::]:1883": "", // taken
		"mqtt://:1883": ":1883", "0.0.0.0:1883/": "0.0.0.0:1883", "*:1883": ":1883", " :1883": ":1883",
		"fe80::1%eth0:1883": "[fe80::1%eth0]:1883",
	} {
		cfg := Default()
		cfg.Broker.Listen = listen
		err := cfg.Validate()
		if config.Hint(err) != try || (err != nil) != (try != "") || err != nil && !strings.Contains(err.Error(), "broker.listen: ") {
			t.Errorf("%q: got %v, want %q to try", listen, err, try)
		}
	}
}

func TestBroker_advertise(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ says, try string }{
		"[]":                                    {},
		`[gw.lan, "10.0.0.1:1", "[fd00::1]:2"]`: {},
		"[a, b, c, d]":                          {says: "broker.advertise: must be at most 3 addresses"},
		`[gw, "mqtts://gw:8883"]`:               {says: "broker.advertise[1]: must be HOST or HOST:PORT", try: "gw:8883"},
		`["gw:0"]`:                              {says: "broker.advertise[0]: must be HOST or HOST:PORT, with a port from", try: "gw"},
		`["[fe80::1%eth0]"]`:                    {says: "broker.advertise[0]: must be an address that other machines have too"},
		`[""]`:                                  {says: "broker.advertise[0]: "},
	} {
		cfg := Default()
		err := config.Decode("gateway.yaml", []byte("broker:\n  advertise: "+text), &cfg)
		if (err != nil) != (want.says != "") || err != nil && !strings.Contains(err.Error(), want.says) ||
			config.Hint(err) != want.try {
			t.Errorf("%s: got %v, want %+v", text, err, want)
		}
	}
}
