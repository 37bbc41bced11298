package address

import (
	"errors"
	"net"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Address{
		"gateway.local:1883":    {"gateway.local", "1883"},
		"gateway.local.":        {"gateway.local.", "8883"},
		"piway-gateway":         {"piway-gateway", "8883"},
		"local_core:18883":      {"local_core", "18883"},
		"192.168.1.10:1":        {"192.168.1.10", "1"},
		"ABC-ats.IOT.x.com:443": {"ABC-ats.IOT.x.com", "443"},
		"[::1]":                 {"::1", "8883"},
		"[::1]:65535":           {"::1", "65535"},
		"[fe80::1%eth0]:1883":   {"fe80::1%eth0", "1883"},
		"[fe80::1%25eth0]:1883": {"fe80::1%eth0", "1883"}, // as in a URL
		"[fe80::1%25]:1883":     {"fe80::1%25", "1883"},   // an interface of that name
		"[fe80::1%br-0a.2]":     {"fe80::1%br-0a.2", "8883"},
		"[::ffff:10.0.0.1]:1":   {"::ffff:10.0.0.1", "1"},
		"[gateway.local]:1883":  {"gateway.local", "1883"},
		"3com.com:1883":         {"3com.com", "1883"},
	} {
		if got, err := Parse(text, "8883"); err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestParse_mistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Mistake{
		"":                         {"with a host", ""},
		":1883":                    {"with a host", ""},
		"https://abc.de":           {`without "https://"`, "abc.de"},
		"mqtts://abc.de:8883/":     {`without "mqtts://"`, "abc.de:8883"},
		"ssl://abc.de/mqtt?x#y":    {`without "ssl://"`, "abc.de"},
		"://abc.de":                {`without "://"`, "abc.de"},
		" https://abc.de:443/x ":   {"without blanks, and of ASCII characters", "abc.de:443"},
		"abc.de:8883 ":             {"without blanks, and of ASCII characters", "abc.de:8883"},
		"\ufeffabc.de":             {"without blanks, and of ASCII characters", "abc.de"},
		"abc de":                   {"without blanks, and of ASCII characters", ""},
		"pi.bücher":                {"without blanks, and of ASCII characters", ""},
		"abc.de/":                  {`without "/"`, "abc.de"},
		"abc.de:1883/mqtt":         {`without "/mqtt"`, "abc.de:1883"},
		"me:secret@abc.de:1883":    {`without "me:secret@"`, "abc.de:1883"},
		"abc.de:":                  {"with a port from 1 to 65535", "abc.de"},
		"abc.de:0":                 {"with a port from 1 to 65535", "abc.de"},
		"abc.de:70000":             {"with a port from 1 to 65535", "abc.de"},
		"abc.de:-1":                {"with a port from 1 to 65535", "abc.de"},
		"abc.de:mqtts":             {"with a port from 1 to 65535", "abc.de"},
		"[::1]:x":                  {"with a port from 1 to 65535", "[::1]"},
		"[::1":                     {"with both brackets around an IPv6 address", ""},
		"[::1]1883":                {"with a port", ""},
		"::1":                      {"with an IPv6 address in brackets", "[::1]"},
		"fe80::1%eth0:1883":        {"with an IPv6 address in brackets", "[fe80::1%eth0]:1883"},
		"[fe80::1]%eth0:1883":      {"with the interface inside the brackets", "[fe80::1%eth0]:1883"},
		"[fe80::1]:1883":           {"with the interface of a link-local address, such as [fe80::1%eth0]", ""},
		"[12345::1]:1883":          {"with an IPv6 address that is one", ""},
		"a:b:c":                    {"with an IPv6 address in brackets", ""},
		"arn:aws:iot:eu-west-1:1:": {"with an IPv6 address in brackets", ""},
		"192.168.1:1883":           {hostMistake, ""},
		"192.168.1.300":            {hostMistake, ""},
		"192.168.001.010":          {hostMistake, ""},
		"1883":                     {hostMistake, ""},
		"abc..de":                  {hostMistake, ""},
		".abc.de":                  {hostMistake, ""},
		"<prefix>-ats.iot.x.com":   {hostMistake, ""},
		"a,b":                      {hostMistake, ""},
	} {
		_, err := Parse(text, "8883")
		var got *Mistake
		if !errors.As(err, &got) || *got != want {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
	if _, err := Parse("gateway.local", ""); err == nil || err.Error() != "with a port" {
		t.Errorf("without a port where one must be: got %v", err)
	}
}

const hostMistake = "with a host name of letters, digits, dots and hyphens, or an IP address"

func TestListen(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		":1883": ":1883", ":0": ":0", "127.0.0.1:0": "127.0.0.1:0", "[::1]:1883": "[::1]:1883",
		"[fe80::1%25eth0]:1883": "[fe80::1%eth0]:1883", "localhost:1883": "localhost:1883", "[::]:1883": "[::]:1883",
		"0.0.0.0:http": "0.0.0.0:http",
	} {
		if got, err := Listen(text); err != nil || got.String() != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
	for text, try := range map[string]string{
		"1883": "", "": "", ":": "", ":65536": "", ":abc": "", "tcp://:1883": ":1883", "*:1883": ":1883", " :1883": ":1883",
		"::1:1883": "", "[fe80::1]:1883": "", "[fe80::1]%lo:1883": "[fe80::1%lo]:1883",
	} {
		_, err := Listen(text)
		var got *Mistake
		if !errors.As(err, &got) || got.Try != try {
			t.Errorf("%q: got %+v, want it refused and %q to try", text, got, try)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"https:// [fe80::1]%25eth0:1/@", "[fe80::1%eth0]:1883", "a b:1", "]%]%[:", "[%]%]", "x@@y", "http://http://",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, port := range []string{"", "8883"} {
			a, err := Parse(text, port)
			var m *Mistake
			switch {
			case errors.As(err, &m):
				if _, err := Parse(m.Try, port); m.Try != "" && err != nil {
					t.Errorf("%q: what it says to try, %q: %v", text, m.Try, err)
				}
			case err != nil:
				t.Errorf("%q: %v is no mistake", text, err)
			case !strings.Contains(a.Host, "%25"): // an interface whose name begins so is written %2525
				if _, _, err := net.SplitHostPort(a.String()); err != nil {
					t.Errorf("%q: %q cannot be dialled: %v", text, a, err)
				}
				if again, err := Parse(a.String(), port); err != nil || again != a {
					t.Errorf("%q: %+v reads as %+v, %v", text, a, again, err)
				}
			}
			_, _ = Listen(text)
		}
	})
}
