package pki_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"piway/shared/pki"
)

func TestServerHosts(t *testing.T) {
	long := strings.Repeat("a", 63)
	for host, want := range map[string]string{ // "" is left out
		"kitchen":                       "kitchen",
		"Kitchen.Local.":                "kitchen.local",
		"piway_gateway":                 "piway_gateway",
		"192.168.1.20":                  "192.168.1.20",
		"::ffff:192.168.1.20":           "192.168.1.20",
		"FE80::1%eth0":                  "fe80::1",
		"2001:db8:0:0::1":               "2001:db8::1",
		long:                            long,
		long + "a":                      "",
		strings.Repeat("a.", 127) + "a": "",
		strings.Repeat("a.", 126) + "a": strings.Repeat("a.", 126) + "a",
		"":                              "",
		".":                             "",
		"a..b":                          "",
		"*.local":                       "",
		"a b":                           "",
		"küche":                         "",
		"-a":                            "",
		"a-":                            "",
		"host:8883":                     "",
		"[::1]":                         "",
		"mqtts://host":                  "",
		"0.0.0.0":                       "",
		"::":                            "",
		"192.168.1.20/24":               "",
		"a\x00b":                        "",
	} {
		in, out := pki.ServerHosts([]string{host})
		in = slices.DeleteFunc(in, func(h string) bool { return h == "localhost" || h == "127.0.0.1" || h == "::1" })
		wantIn, wantOut := []string{want}, []string(nil)
		if want == "" {
			wantIn, wantOut = nil, []string{host}
		}
		if !slices.Equal(in, wantIn) || !slices.Equal(out, wantOut) {
			t.Errorf("%q: got %q, left out %q, want %q and %q", host, in, out, wantIn, wantOut)
		}
	}
}

func TestServerHosts_sortedAndOnce(t *testing.T) {
	in, out := pki.ServerHosts([]string{"b", "::1", "a", "B", "localhost", "10.0.0.1", "a."})
	if want := []string{"10.0.0.1", "127.0.0.1", "::1", "a", "b", "localhost"}; !slices.Equal(in, want) || out != nil {
		t.Errorf("got %q, left out %q, want %q", in, out, want)
	}
}

// The first ones are in, and the certificate is not one that small clients cannot take.
func TestServerHosts_bound(t *testing.T) {
	var hosts []string
	for i := range 200 {
		hosts = append(hosts, fmt.Sprintf("2001:db8::%x", i+1), "10.0.0.1")
	}
	in, out := pki.ServerHosts(hosts)
	if len(in) != 64+3 || !slices.Contains(in, "2001:db8::1") || slices.Contains(out, "10.0.0.1") || out[0] != "2001:db8::40" {
		t.Errorf("%d are in, left out are %q", len(in), out)
	}
	_, a := authority(t, hosts...)
	if size := len(a.Certificate().Certificate[0]); size > 4<<10 {
		t.Errorf("the certificate has %d bytes", size)
	}
	if changed, err := a.Serve(hosts); changed || err != nil {
		t.Errorf("got %v, %v", changed, err)
	}
}
