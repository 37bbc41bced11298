package network

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseWireless(t *testing.T) {
	t.Parallel()
	line := func(iface, level string) string {
		return " " + iface + ": 0000   52.  " + level + "  -256        0      0      0      0      0        0\n"
	}
	const head = "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n" +
		" face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n"
	for _, tt := range []struct {
		text string
		want []signal
	}{
		{"", nil},
		{head, nil},
		{head + line("wlan0", "-58."), []signal{{"wlan0", -58}}},
		{head + line("wlan0", "-58"), []signal{{"wlan0", -58}}}, // the point says that it is new
		{head + line("wlan0", "-256"), nil},                     // not connected
		{head + line("wlan0", "0"), nil},
		{head + line("wlan0", "180."), nil}, // on a scale of the driver's own
		{head + line("wlan0", "x") + line("wlx00c0ca123456", "-71."), []signal{{"wlx00c0ca123456", -71}}},
		{"wlan0: 0000 52.\n", nil},
	} {
		if diff := cmp.Diff(tt.want, parseWireless(tt.text), cmp.AllowUnexported(signal{})); diff != "" {
			t.Errorf("%q: %s", tt.text, diff)
		}
	}
}

func FuzzWireless(f *testing.F) {
	for _, seed := range []string{" wlan0: 0000   52.  -58.  -256 0 0 0 0 0 0\n", "a: 1 2 -1 x", "", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range parseWireless(text) {
			if s.dBm >= 0 || s.dBm < -127 {
				t.Errorf("signal of %q: %v", text, s)
			}
		}
	})
}
