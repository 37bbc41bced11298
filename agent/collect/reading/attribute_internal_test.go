package reading

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAttribute(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Raspberry Pi 5 Model B Rev 1.0\x00": "Raspberry Pi 5 Model B Rev 1.0",
		"00000000deadbeef\x00":               "00000000deadbeef",
		"\x00":                               "",
		"two\nlines\t and  blanks ":          "two lines and blanks",
		"Grüße":                              "Grüße",
		"\x1b[31mred":                        "",
		"\xff\xfe":                           "",
		strings.Repeat("x", 300):             strings.Repeat("x", MaxAttribute),
		strings.Repeat("x", MaxAttribute-1) + "ü": strings.Repeat("x", MaxAttribute-1),
	} {
		if got := Attribute(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzAttribute(f *testing.F) {
	for _, seed := range []string{"Raspberry Pi\x00", "Grüße", "a\n b", "\x1b[31mred", "", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if a := Attribute(text); len(a) > MaxAttribute || !utf8.ValidString(a) || strings.ContainsAny(a, "\x00\n\x1b") {
			t.Errorf("attribute of %q: %q", text, a)
		}
	})
}
