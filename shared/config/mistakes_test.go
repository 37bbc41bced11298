package config_test

import (
	"errors"
	"testing"

	"piway/shared/config"
)

func TestDecode_mistakes(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "a: 1\nsiet: x\n", "g:1: a: unknown key\ng:2: siet: unknown key, did you mean \"site\"?"},
		{"unknown nested key", "uplink:\n  widnow: 5s\n", `g:2: uplink.widnow: unknown key, did you mean "window"?`},
		{"other case and hyphens", "Script-Topics: [a]", `g:1: Script-Topics: unknown key, did you mean "script_topics"?`},
		{"nothing near", "uplink:\n  colour: red\n", `g:2: uplink.colour: unknown key`},
		{"dotted key", "uplink.window: 5s", `g:1: "uplink.window": unknown key`},
		{
			"unknown key in an entry", "rules:\n- mach: x\n  match: y\n",
			`g:2: rules[0].mach: unknown key, did you mean "match"?`,
		},
		{"untagged field", "Loose: x", `g:1: Loose: unknown key`},
		{"a secret is no key", "uplink:\n  password: hunter2\n", `g:2: uplink.password: unknown key`},
		{"duplicate key", "site: a\nport: 1\nsite: b\n", `g:3: site: duplicate key, first on line 1, delete one of them`},
		{"duplicate group", "uplink: {window: 5m}\nuplink: {window: 6m}\n", `g:2: uplink: duplicate key, first on line 1, delete one of them`},
		{
			"duration without unit", "uplink:\n  window: 60",
			`g:2: uplink.window: must be a duration with a unit such as 60s, got "60"`,
		},
		{"zero without unit", "uplink: {grace: 0}", `g:1: uplink.grace: must be a duration with a unit such as 0s, got "0"`},
		{
			"signed zero without unit", "uplink: {grace: -0}",
			`g:1: uplink.grace: must be a duration with a unit such as 10s, got "-0"`,
		},
		{
			"duration in words", "uplink: {window: 5 min}",
			`g:1: uplink.window: must be a duration with a unit such as 5m, got "5 min"`,
		},
		{"no days", "uplink: {window: d}", `g:1: uplink.window: must be a duration with a unit such as 10s, got "d"`},
		{
			"days and no unit", "uplink: {window: 1d5}",
			`g:1: uplink.window: must be a duration with a unit such as 10s, got "1d5"`,
		},
		{
			"days and minus", "uplink: {window: 1d-5s}",
			`g:1: uplink.window: must be a duration with a unit such as 10s, got "1d-5s"`,
		},
		{"days and plus", "uplink: {window: 1d+5s}", `g:1: uplink.window: must be a duration with a unit such as 10s, got "1d+5s"`},
		{"days and zero", "uplink: {window: 1d0}", `g:1: uplink.window: must be a duration with a unit such as 10s, got "1d0"`},
		{
			"too many days", "uplink: {window: 106752d}",
			`g:1: uplink.window: must be a duration with a unit such as 10s, got "106752d"`,
		},
		{
			"days overflow", "uplink: {window: 106751d24h}",
			`g:1: uplink.window: must be a duration with a unit such as 10s, got "106751d24h"`,
		},
		{"size", "uplink: {max_bytes: 64M}", `g:1: uplink.max_bytes: must be a size such as 64MiB, got "64M"`},
		{
			"size overflow", "uplink: {max_bytes: 9000000TiB}",
			`g:1: uplink.max_bytes: must be below 8 million TiB, got "9000000TiB"`,
		},
		{"negative size", "uplink: {max_bytes: -1}", `g:1: uplink.max_bytes: must be a size such as 64MiB, got "-1"`},
		{"bool", "on_air: yes", `g:1: on_air: must be true or false, got "yes"`},
		{"negative for unsigned", "port: -1", `g:1: port: must be a whole number, 0 or more, got "-1"`},
		{"too large for unsigned", "port: 65536", `g:1: port: must be between 0 and 65535, got "65536"`},
		{"too large", "level: 128", `g:1: level: must be between -128 and 127, got "128"`},
		{"fraction", "level: 1.5", `g:1: level: must be a whole number, got "1.5"`},
		{"not finite", "ratio: .inf", `g:1: ratio: must be a number, got ".inf"`},
		{"NaN by its other name", "ratio: NaN", `g:1: ratio: must be a number, got "NaN"`},
		{"list for text", "site: [a]", `g:1: site: must be a single value, got a list`},
		{"group for text", "site:\n  a: b\n", `g:1: site: must be a single value, got a group of keys`},
		{"no value", "site:\nport: 1\n", `g:1: site: has no value, give it one or delete the line`},
		{"text for list", "script_topics: a", `g:1: script_topics: must be a list such as [a, b], or [] for none, got "a"`},
		{"nothing for list", "script_topics:\n", `g:1: script_topics: must be a list such as [a, b], or [] for none, got nothing`},
		{"entry of a list", "script_topics:\n- a\n- [b]\n", `g:3: script_topics[1]: must be a single value, got a list`},
		{"empty entry", "rules:\n- match: a\n-\n", `g:3: rules[1]: has no value, give it one or delete the line`},
		{"text for an entry", "rules:\n- match: a\n- b\n", `g:3: rules[1]: must be a group of keys, got "b"`},
		{"text for group", "uplink: x", `g:1: uplink: must be a group of keys, got "x"`},
		{"list for group", "uplink:\n- a\n", `g:1: uplink: must be a group of keys, got a list`},
		{"anchor", "site: &x home\n", `g:1: site: must be written out: anchors, aliases and tags are not read`},
		{"alias of a group", "rules:\n- &r {match: a}\n- *r\n", "g:2: rules[0]: must be written out: anchors, aliases and " +
			"tags are not read\n" +
			"g:3: rules[1]: must be written out: anchors, aliases and tags are not read"},
		{"merge key", "uplink:\n  <<: {window: 5s}\n", `g:2: uplink.<<: unknown key`},
		{
			"long value", "port: x12345678901234567890123456789012345678901234567890123456789XXX",
			`g:1: port: must be a whole number, 0 or more, got "x12345678901234567890123456789012345678901234567890123456789"…`,
		},
		{"two documents", "site: a\n---\nsite: b\n", `g:2: starts a second document, write only one`},
		{"list at the root", "\n- site\n", `g:2: must be lines of "key: value", got a list`},
		{"text at the root", "site\n", `g:1: must be lines of "key: value", got "site"`},
		{"windows line ends", "site: a\r\nprot: 1\r\n", `g:2: prot: unknown key, did you mean "port"?`},
		{
			"validated, key in the file", "port: 1\nuplink:\n  window: 5s\n  grace: 6s\n",
			`g:4: uplink.grace: must be at most uplink.window, got 6s`,
		},
		{
			"validated, group in the file", "uplink:\n  window: 5s\n",
			`g:1: uplink.grace: must be at most uplink.window, got 10s`,
		},
		{"validated, with a hint", "site: refused", `g:1: site: is refused, try: another`},
		{"not validated when unread", "rules:\n- match: [a]\n", `g:2: rules[0].match: must be a single value, got a list`},
	} {
		t.Run(c.name, func(t *testing.T) {
			into := defaults()
			err := config.Decode("g", []byte(c.text), &into)
			if err == nil || err.Error() != c.want {
				t.Errorf("decoding %q:\ngot  %v\nwant %s", c.text, err, c.want)
			}
		})
	}
}

type section struct {
	Name string `yaml:"name"`
	err  error
}

func (s section) Validate() error { return s.err }

func TestDecode_validatedKeyNotInTheFile(t *testing.T) {
	host, plain := config.Errorf("uplink.host", "must be set"), errors.New("nothing is set")
	for _, c := range []struct {
		name, text string
		err        error
		want       string
	}{
		{"a key", "", host, "g: uplink.host: must be set"},
		{"no key", "name: x", plain, "g: nothing is set"},
		{"lines come first", "\nnmae: x", errors.Join(host, plain), "g:2: nmae: unknown key, did you mean \"name\"?\n" +
			"g: uplink.host: must be set\ng: nothing is set"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := config.Decode("g", []byte(c.text), &section{err: c.err}); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
