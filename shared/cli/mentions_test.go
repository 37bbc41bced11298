package cli

import (
	"strings"
	"testing"
)

func TestProgram_Mentions(t *testing.T) {
	p := Program{Name: "talk", Commands: &struct {
		Say struct {
			Word string `arg:""`
			Loud bool   `help:"Louder."`
		} `cmd:""`
		Song struct {
			Sing struct{} `cmd:""`
		} `cmd:""`
	}{}}
	for text, want := range map[string]string{
		"sudo talk say NAME --loud; or talk song sing, which is one": "",
		"talk says what it hears":                                    "",
		"start talk":                                                 "",
		"talk say %s --help":                                         "",
		"`talk song sing`":                                           "",
		"talk say NAME --quiet":                                      "has no flag --quiet",
		"talk song hum":                                              "has no command hum",
		"talk say x, or talk song hum.":                              "has no command hum",
		"talk song, which is one":                                    "is no whole command",
	} {
		err := p.Mentions(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}
