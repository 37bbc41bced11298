package where

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"piway/shared/address"
)

func on(name string, addrs ...string) link {
	l := link{name: name}
	for _, a := range addrs {
		l.addrs = append(l.addrs, netip.MustParseAddr(a))
	}
	return l
}

func of(name string, all ...link) machine {
	return machine{
		links: func() []link { return all },
		name:  func() (string, error) { return name, nil },
	}
}

var (
	lo     = on("lo", "127.0.0.1", "::1")
	eth    = on("eth0", "fe80::1", "2001:db8::7", "fd00::7", "192.168.1.7")
	wlan   = on("wlan0", "192.168.1.8", "fe80::2")
	docker = on("docker0", "172.17.0.1", "fe80::3")
	bridge = on("br-0123456789ab", "172.18.0.1")
	vpn    = on("wg0", "10.8.0.1")
)

func TestAddresses(t *testing.T) {
	for name, tt := range map[string]struct {
		m         machine
		advertise []string
		listen    string
		want      []string
	}{
		"IPv4 first, private before public": {
			of("pi", lo, eth), nil, "[::]:8883",
			[]string{"192.168.1.7:8883", "[fd00::7]:8883", "[2001:db8::7]:8883"},
		},
		"two interfaces, no bridge, room for three": {
			of("pi", docker, bridge, lo, eth, wlan), nil, ":8883",
			[]string{"192.168.1.7:8883", "192.168.1.8:8883", "[fd00::7]:8883"},
		},
		"bridges are left out, tunnels are last": {
			of("pi", docker, vpn, wlan), nil, ":8883", []string{"192.168.1.8:8883", "10.8.0.1:8883"},
		},
		"only bridges":         {of("pi", lo, docker, bridge), nil, ":8883", []string{"172.17.0.1:8883", "172.18.0.1:8883"}},
		"a user's bridge":      {of("pi", on("br0", "10.0.0.2"), docker), nil, ":8883", []string{"10.0.0.2:8883"}},
		"no DHCP is the last":  {of("pi", on("eth0", "169.254.3.4"), wlan), nil, ":1", []string{"192.168.1.8:1", "169.254.3.4:1"}},
		"the same twice":       {of("pi", wlan, wlan), nil, ":8883", []string{"192.168.1.8:8883"}},
		"IPv4 only":            {of("pi", eth), nil, "0.0.0.0:8883", []string{"192.168.1.7:8883"}},
		"one address":          {of("pi", eth, wlan), nil, "192.168.1.8:8884", []string{"192.168.1.8:8884"}},
		"loopback, as asked":   {of("pi", eth), nil, "127.0.0.1:8883", []string{"127.0.0.1:8883"}},
		"only the link":        {of("pi", eth), nil, "[fe80::1%eth0]:8883", nil},
		"nothing but loopback": {of("pi", lo), nil, ":8883", nil},
		"advertised": {
			of("pi", eth),
			[]string{"gw.example", "10.0.0.1:18883", "[fd00::1]"},
			":8884",
			[]string{"gw.example:8884", "10.0.0.1:18883", "[fd00::1]:8884"},
		},
		"advertised, of one that listens on loopback": {of("pi", eth), []string{"gw"}, "127.0.0.1:8883", []string{"gw:8883"}},
		"too many": {
			of("pi"), []string{"a", "b", "c", "d"}, ":8883", []string{"a:8883", "b:8883", "c:8883"},
		},
	} {
		if got := tt.m.addresses(tt.advertise, tt.listen); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func TestHosts(t *testing.T) {
	for name, tt := range map[string]struct {
		m         machine
		advertise []string
		want      string
	}{
		"all of it": {
			of("Kitchen", lo, eth, docker), nil,
			"localhost 127.0.0.1 ::1 kitchen kitchen.local 172.17.0.1 192.168.1.7 2001:db8::7 fd00::7",
		},
		"a whole name": {
			of("gw.example", lo),
			[]string{"Home.example.:18883", "10.1.1.1"},
			"home.example 10.1.1.1 localhost 127.0.0.1 ::1 gw.example gw gw.local",
		},
		"no name of its own":         {of("localhost", wlan), nil, "localhost 127.0.0.1 ::1 192.168.1.8"},
		"a name that is none":        {of("küche"), nil, "localhost 127.0.0.1 ::1"},
		"an interface of this link":  {of("a"), []string{"[fe80::1%eth0]"}, "localhost 127.0.0.1 ::1 a a.local"},
		"another order is no change": {of("a", wlan, docker), nil, "localhost 127.0.0.1 ::1 a a.local 172.17.0.1 192.168.1.8"},
	} {
		if got := strings.Join(tt.m.hosts(tt.advertise), " "); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, tt.want)
		}
	}
}

func TestHosts_bounded(t *testing.T) {
	var many link
	for i := range 1000 {
		many.addrs = append(many.addrs, netip.MustParseAddr(fmt.Sprintf("10.0.%d.%d", i/250, i%250+1)))
	}
	if got := of("pi", many).hosts(nil); len(got) != maxHosts || got[3] != "pi" {
		t.Errorf("got %d, %v…", len(got), got[:5])
	}
}

func TestHosts_unnamed(t *testing.T) {
	m := machine{links: func() []link { return nil }, name: func() (string, error) { return "", errors.New("none") }}
	if got := m.hosts(nil); len(got) != 3 {
		t.Errorf("got %v", got)
	}
}

// This machine's own are addresses that can be read again.
func TestThisMachine(t *testing.T) {
	for _, text := range Addresses(nil, ":8883") {
		if _, err := address.Parse(text, ""); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if hosts := Hosts(nil); !slices.Contains(hosts, "127.0.0.1") {
		t.Errorf("got %v", hosts)
	}
}
