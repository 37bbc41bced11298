package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/shared/config"
)

func TestMissing(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"all", "", []string{
			"site", "port", "level", "ratio", "on_air", "script_topics",
			"uplink.window", "uplink.grace", "uplink.max_bytes", "uplink.password_file", "rules",
		}},
		{
			"some", "site: \"\"\nport:\nlevel: 1\nratio: 1\non_air: x\nscript_topics: []\nuplink: {window: 5s}\nrules: []\n",
			[]string{
				"uplink.grace", "uplink.max_bytes", "uplink.password_file",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, like := range []any{gateway{}, new(gateway)} {
				got, err := config.Missing([]byte(c.text), like)
				if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
			}
		})
	}
}

func TestMissing_notYAML(t *testing.T) {
	if _, err := config.Missing([]byte("a: [b"), gateway{}); err == nil {
		t.Error("got nil, want an error")
	}
}
