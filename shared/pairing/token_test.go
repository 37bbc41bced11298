package pairing_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"piway/shared/config"
	"piway/shared/pairing"
)

// example is a token whose bytes count up.
func example(addresses ...string) pairing.Token {
	t := pairing.Token{Addresses: addresses}
	n := byte(0)
	for _, part := range [][]byte{t.ID[:], t.Secret[:], t.Pin[:]} {
		for i := range part {
			n++
			part[i] = n
		}
	}
	return t
}

func text(t *testing.T, token pairing.Token) string {
	t.Helper()
	s, err := token.String()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The bytes of a token are a contract with the agents that are in the field.
func TestToken_bytes(t *testing.T) {
	fixed := "0100" + "010203040506" + "0708090a0b0c0d0e0f10111213141516" +
		"1718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233343536"
	for want, token := range map[string]pairing.Token{
		fixed:                              example(),
		fixed + "fe" + "c0a80114" + "22b3": example("192.168.1.20:8883"),
		fixed + "ff" + "fd000000000000000000000000000001" + "22b3": example("[fd00::1]:8883"),
		fixed + "08" + "70692e6c6f63616c" + "01bb":                 example("pi.local:443"),
		fixed + "01" + "61" + "0001" + "fe" + "0a000001" + "ffff":  example("a:1", "10.0.0.1:65535"),
	} {
		s := text(t, token)
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(s, "piw1."))
		if err != nil {
			t.Fatal(err)
		}
		body, sum := raw[:len(raw)-4], fmt.Sprintf("%08x", crc32.ChecksumIEEE(raw[:len(raw)-4]))
		if hex.EncodeToString(body) != want || hex.EncodeToString(raw[len(body):]) != sum {
			t.Errorf("%q: got %x, want %s and its CRC %s", token.Addresses, raw, want, sum)
		}
		got, err := pairing.ParseToken(s)
		if err != nil || !equal(got, token) {
			t.Errorf("%q: read back: %v", token.Addresses, err)
		}
	}
}

func equal(a, b pairing.Token) bool {
	return a.ID == b.ID && a.Secret == b.Secret && a.Pin == b.Pin && slices.Equal(a.Addresses, b.Addresses)
}

// A token is a line that can be pasted, whatever terminal it is.
func TestToken_length(t *testing.T) {
	name := strings.Repeat("a.", 126) + "a"
	for want, token := range map[int]pairing.Token{
		85:   example(),
		95:   example("192.168.1.20:8883"),
		104:  example("192.168.1.20:8883", "10.0.0.1:8883"),
		113:  example("192.168.1.20:8883", "10.0.0.1:8883", "10.0.0.2:8883"),
		1109: example(name+":1", name+":2", name+":3"),
	} {
		s := text(t, token)
		if len(s) != want || strings.Trim(s[5:], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("%d addresses: %d characters, want %d: %s", len(token.Addresses), len(s), want, s)
		}
	}
}

// What is written is read, for any token, also when it is broken over lines at any place, quoted and indented.
func TestToken_roundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		token := random(rng)
		s := text(t, token)
		at := rng.IntN(len(s))
		for _, pasted := range []string{
			s, "\n\t " + s + " \r\n", s[:at] + "\r\n  " + s[at:], `"` + s + `"`, "“" + s + "”",
			"`" + s + "`", s[:at] + "\u00a0\u200b" + s[at:] + "\ufeff",
		} {
			if got, err := pairing.ParseToken(pasted); err != nil || !equal(got, token) {
				t.Fatalf("%q: got %q, %v, want %q", pasted, got.Addresses, err, token.Addresses)
			}
		}
	}
}

func random(rng *rand.Rand) pairing.Token {
	var t pairing.Token
	for _, part := range [][]byte{t.ID[:], t.Secret[:], t.Pin[:]} {
		for i := range part {
			part[i] = byte(rng.Uint32())
		}
	}
	for range rng.IntN(pairing.MaxAddresses + 1) {
		port := 1 + rng.IntN(65535)
		switch rng.IntN(3) {
		case 0:
			var ip [4]byte
			ip[0], ip[1], ip[2], ip[3] = byte(1+rng.IntN(222)), byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32())
			t.Addresses = append(t.Addresses, netip.AddrPortFrom(netip.AddrFrom4(ip), uint16(port)).String())
		case 1:
			ip := [16]byte{0xfd}
			ip[15], ip[rng.IntN(16)] = 1, byte(1+rng.IntN(255))
			ip[0] = 0xfd
			t.Addresses = append(t.Addresses, netip.AddrPortFrom(netip.AddrFrom16(ip), uint16(port)).String())
		default:
			t.Addresses = append(t.Addresses, fmt.Sprintf("%s.local:%d", strings.Repeat("a", 1+rng.IntN(60)), port))
		}
	}
	return t
}

// One wrong, missing or exchanged character is noticed.
func TestParseToken_mistyped(t *testing.T) {
	s := text(t, example("192.168.1.20:8883", "pi.local:8883"))
	for i := len("piw1."); i < len(s); i++ {
		for name, bad := range map[string]string{
			"cut off":  s[:i],
			"left out": s[:i] + s[i+1:],
			"wrong":    s[:i] + string("AB"[(s[i]^1)&1]) + s[i+1:],
			"doubled":  s[:i] + s[i:i+1] + s[i:],
			"no such":  s[:i] + "!" + s[i+1:],
		} {
			if bad == s {
				continue
			}
			got, err := pairing.ParseToken(bad)
			if !errors.Is(err, pairing.ErrMistyped) || !equal(got, pairing.Token{}) || config.Hint(err) == "" {
				t.Fatalf("%s at %d: got %v, %v, want ErrMistyped", name, i, got, err)
			}
		}
	}
}

func TestParseToken_mistakes(t *testing.T) {
	s := text(t, example("192.168.1.20:8883"))
	packed := func(version, flags byte, addresses ...byte) string {
		token := example()
		b := append([]byte{version, flags}, token.ID[:]...)
		b = append(append(append(b, token.Secret[:]...), token.Pin[:]...), addresses...)
		sum := crc32.ChecksumIEEE(b)
		return "piw1." + base64.RawURLEncoding.EncodeToString(append(b, byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)))
	}
	if got, err := pairing.ParseToken(packed(1, 0)); err != nil || !equal(got, example()) {
		t.Fatal(got, err)
	}
	v4 := []byte{254, 10, 0, 0, 1, 1, 1}
	for name, c := range map[string]struct {
		text string
		is   error
		try  string
	}{
		"nothing":            {"", pairing.ErrNotToken, "`sudo piway-gateway invite NAME`"},
		"blanks":             {" \n", pairing.ErrNotToken, "`sudo piway-gateway invite NAME`"},
		"a word":             {"kitchen", pairing.ErrNotToken, "`sudo piway-gateway invite NAME`"},
		"a prefix":           {"piw", pairing.ErrNotToken, "`sudo piway-gateway invite NAME`"},
		"far too long":       {s + strings.Repeat(" ", 5000), pairing.ErrNotToken, "`sudo piway-gateway invite NAME`"},
		"no end of it":       {s + strings.Repeat("A", 3000), pairing.ErrMistyped, "copy it again"},
		"the prefix only":    {"piw1.", pairing.ErrMistyped, "copy it again"},
		"twice":              {s + s, pairing.ErrMistyped, "paste it once"},
		"twice, two lines":   {s + "\n" + s + "\n", pairing.ErrMistyped, "paste it once"},
		"once and a half":    {s + s[:20], pairing.ErrMistyped, "paste it once"},
		"the whole line":     {"sudo piway-agent join " + s, pairing.ErrNotToken, "begins with piw1."},
		"padded":             {s + "=", pairing.ErrMistyped, "copy it again"},
		"in capitals":        {"PIW1." + s[5:], pairing.ErrNotToken, "`sudo piway-gateway invite NAME`"},
		"piw2":               {"piw2." + s[5:], pairing.ErrNewer, "update piway-agent"},
		"piw17":              {"piw17.x", pairing.ErrNewer, "update piway-agent"},
		"version 2":          {packed(2, 0), pairing.ErrNewer, "update piway-agent"},
		"version 0":          {packed(0, 0), pairing.ErrNewer, "update piway-agent"},
		"a flag":             {packed(1, 0x80), pairing.ErrNewer, "update piway-agent"},
		"four addresses":     {packed(1, 0, slices.Concat(v4, v4, v4, v4)...), pairing.ErrNotToken, ""},
		"a cut address":      {packed(1, 0, v4[:6]...), pairing.ErrNotToken, ""},
		"no name":            {packed(1, 0, 0, 1, 1), pairing.ErrNotToken, ""},
		"an odd name":        {packed(1, 0, 2, 'a', '\x1b', 1, 1), pairing.ErrNotToken, ""},
		"a name with a port": {packed(1, 0, 3, 'a', ':', '1', 1, 1), pairing.ErrNotToken, ""},
		"a number as a name": {packed(1, 0, append([]byte("\x0810.0.0.1"), 1, 1)...), pairing.ErrNotToken, ""},
		"port 0":             {packed(1, 0, 254, 10, 0, 0, 1, 0, 0), pairing.ErrNotToken, ""},
		"IPv4 as IPv6": {
			packed(1, 0, append([]byte{255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1}, 1, 1)...),
			pairing.ErrNotToken, "",
		},
	} {
		got, err := pairing.ParseToken(c.text)
		if !errors.Is(err, c.is) || !strings.Contains(config.Hint(err), c.try) || !equal(got, pairing.Token{}) {
			t.Errorf("%s: got %v, %v, want %v, and to try %s", name, got, err, c.is, c.try)
		}
		if err != nil && (strings.Contains(err.Error(), s[20:40]) || len(err.Error()) > 250) {
			t.Errorf("%s: the error shows the token: %v", name, err)
		}
	}
}

func TestToken_String_mistakes(t *testing.T) {
	for address, want := range map[string]string{
		"":                                    "must be HOST:PORT",
		"192.168.1.20":                        "must be HOST:PORT, with a port",
		"[fe80::1%eth0]:8883":                 "eth0",
		strings.Repeat("a.", 127) + "aa:8883": "",
		"pi:0":                                "with a port",
		"a b:8883":                            "without blanks",
		"mqtts://pi:8883":                     "without",
	} {
		if s, err := example(address).String(); err == nil || s != "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %q, %v, want %q", address, s, err, want)
		}
	}
	if s, err := example("a:1", "b:1", "c:1", "d:1").String(); err == nil {
		t.Errorf("four addresses: got %q", s)
	}
	// What has another form in a token.
	got, err := pairing.ParseToken(text(t, example("[FD00:0::1]:1", "[::ffff:10.0.0.1]:2")))
	if err != nil || !slices.Equal(got.Addresses, []string{"[fd00::1]:1", "10.0.0.1:2"}) {
		t.Errorf("got %q, %v", got.Addresses, err)
	}
}

// Whoever prints or logs a token shows no secret.
func TestToken_isNotShown(t *testing.T) {
	token := example()
	token.Secret = [16]byte([]byte("SECRETSECRETSECR"))
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "token", token, "pointer", &token)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", token)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		fmt.Fprintf(&log, verb+"\n", token)
		fmt.Fprintf(&log, verb+"\n", &token)
	}
	shown := strings.ToUpper(log.String())
	for _, secret := range []string{"SECRETS", hex.EncodeToString(token.Secret[:4]), "83, 69", "83 69", "U0VDUkV"} {
		if strings.Contains(shown, strings.ToUpper(secret)) {
			t.Errorf("shown: %s", log.String())
		}
	}
	if !strings.Contains(shown, "INVITATION 010203040506") {
		t.Errorf("got %s, want which invitation", log.String())
	}
}

// What is read is a token whose text says the same; nothing else is read.
func FuzzParseToken(f *testing.F) {
	for _, t := range []pairing.Token{example(), example("192.168.1.20:8883"), example("[fd00::1]:8883", "pi.local:1", "a:2")} {
		s, err := t.String()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s)
		f.Add(" '" + s[:40] + "\n" + s[40:] + "'")
		f.Add(s + s)
	}
	f.Add("piw2.x")
	f.Fuzz(func(t *testing.T, s string) {
		token, err := pairing.ParseToken(s)
		if err != nil {
			if !equal(token, pairing.Token{}) || config.Hint(err) == "" && !errors.Is(err, pairing.ErrNotToken) {
				t.Errorf("got %v, %v", token, err)
			}
			return
		}
		again, err := token.String()
		if err != nil {
			t.Fatalf("%q is read and cannot be written: %v", s, err)
		}
		if clean := stripped(s); !strings.Contains(clean, again) {
			t.Errorf("%q means %q", s, again)
		}
		back, err := pairing.ParseToken(again)
		if diff := cmp.Diff(token.Addresses, back.Addresses); err != nil || diff != "" || !equal(token, back) {
			t.Errorf("%q: %v %s", s, err, diff)
		}
	})
}

// stripped is without blanks and marks that take no place.
func stripped(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
}

// Also where the CRC is right.
func FuzzParseToken_bytes(f *testing.F) {
	f.Add([]byte{254, 10, 0, 0, 1, 1, 1})
	f.Add([]byte("\x08pi.local\x01\xbb\xff\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x01"))
	f.Add(append([]byte{255}, make([]byte, 18)...))
	f.Fuzz(func(t *testing.T, addresses []byte) {
		b := append(append([]byte{1, 0}, make([]byte, 54)...), addresses...)
		sum := crc32.ChecksumIEEE(b)
		s := "piw1." + base64.RawURLEncoding.EncodeToString(append(b, byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)))
		token, err := pairing.ParseToken(s)
		if err != nil {
			return
		}
		if again, err := token.String(); err != nil || again != s || len(token.Addresses) > pairing.MaxAddresses {
			t.Errorf("%x: got %q, written again as %q, %v, want %q", addresses, token.Addresses, again, err, s)
		}
	})
}
