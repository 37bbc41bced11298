package config_test

import (
	"strings"
	"testing"

	"piway/shared/config"
)

// What people write in the place of YAML is told by its line, and how it is to be written.
func TestDecode_repairs(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{
			"tab", "uplink:\n\twindow: 5s\n",
			"g:2: is indented by a tab, and YAML takes blanks only, try: this as line 2, with 2 blanks before it: window: 5s",
		},
		{
			"tabs in every line", "uplink:\n\twindow: 5s\n\tgrace: 1s\n",
			"g:2: is indented by a tab, and YAML takes blanks only, try: this as line 2, with 2 blanks before it: window: 5s",
		},
		{
			"no-break spaces", "uplink:\n  window: 5s\n\u00a0 grace: 1s\n",
			"g:1: uplink.grace: must be at most uplink.window, got 10s\n" +
				"g:3: \"\\u00a0 grace\": unknown key, try: this as line 3, with 2 blanks before it: grace: 1s",
		},
		{
			"typographic quotes", "port: \u201c1\u201d\n",
			"g:1: port: must be a whole number, 0 or more, got \"\u201c1\u201d\", " +
				`try: this as line 1, with no blank before it: port: "1"`,
		},
		{
			"too deep", "uplink:\n  window: 5s\n    grace: 1s\n",
			"g:3: is not indented as its neighbours are, try: this as line 3, with 2 blanks before it: grace: 1s",
		},
		{
			"a group too deep", "site: a\n  uplink:\n  window: 5s\n",
			"g:2: is not indented as its neighbours are, try: this as line 2, with no blank before it: uplink:",
		},
		{
			"between", "uplink:\n   grace: 1s\n  window: 2s\n",
			"g:3: is not indented as its neighbours are, try: this as line 3, with 3 blanks before it: window: 2s",
		},
		{
			"one blank", "uplink:\n  grace: 1s\n window: 2s\n",
			"g:3: is not indented as its neighbours are, try: this as line 3, with 2 blanks before it: window: 2s",
		},
		{
			"no blank behind the colon", "uplink:\n  window: 5s\n  grace:1s\n",
			"g:3: has no blank behind the colon, try: this as line 3, with 2 blanks before it: grace: 1s",
		},
		{
			"and that alone", "uplink:\n  window:5s\n",
			`g:1: uplink: must be a group of keys, got "window:5s", try: this as line 2, with 2 blanks before it: window: 5s`,
		},
		{
			"at the root", "site:home\r\n",
			`g:1: must be lines of "key: value", got "site:home", try: this as line 1, with no blank before it: site: home`,
		},
		{
			"no colon", "site: a\nport 1\n",
			"g:2: has no colon, try: this as line 2, with no blank before it: port: 1",
		},
		{
			"no colon in a group", "uplink:\n  window: 5s\n  grace 1s\n",
			"g:3: has no colon, try: this as line 3, with 2 blanks before it: grace: 1s",
		},
		{
			"equals", "site: a\nport = 1\n",
			"g:2: has = for a colon, try: this as line 2, with no blank before it: port: 1",
		},
		{
			"a comment of another language", "// mine\nsite: a\n",
			"g:1: is no comment, try: this as line 1, with no blank before it: # mine",
		},
		{
			"at", "site: @home # mine\n",
			`g:1: begins with a character that means something to YAML, try: this as line 1, with no blank before it: site: "@home" # mine`,
		},
		{
			"two colons", "site: a: b\n",
			`g:1: has two colons, try: this as line 1, with no blank before it: site: "a: b"`,
		},
		{
			"no quote at the end", "site: \"home\nport: 1\n",
			`g:1: has no quote at its end, try: this as line 1, with no blank before it: site: "home"`,
		},
		{
			"no repair is known", "site: \"a\" b\n",
			`g:1: is not YAML: value is not allowed in this context. map key-value is pre-defined: "site: \"a\" b"`,
		},
		{
			"a list that does not end", "site: a\nscript_topics: [a, b\n",
			`g:2: is not YAML: sequence end token ']' not found: "script_topics: [a, b"`,
		},
		{
			"a list for a group", "uplink:\n- window: 5s\n",
			`g:1: uplink: must be a group of keys, got a list, try: the lines below it without the hyphen before "window"`,
		},
		{
			"not indented", "uplink:\nwindow: 5s\n",
			`g:2: window: unknown key, try: it below "uplink", indented by 2 blanks more than that: it is uplink.window`,
		},
		{
			"indented", "uplink:\n  grace: 5s\n  site: a\n",
			`g:3: uplink.site: unknown key, try: it without blanks before it: it is in no group`,
		},
		{
			"Latin 1", "site: a\nport: k\xfcche\n",
			`g:2: is not UTF-8 text, behind "port: k", try: this line written anew, in an editor that saves UTF-8`,
		},
		{
			"UTF-16", "\xff\xfes\x00i\x00",
			`g:1: is UTF-16 text, try: the editor's "save as", with UTF-8 as the encoding`,
		},
		{
			"seconds in words", "uplink: {window: 90 seconds}",
			`g:1: uplink.window: must be a duration with a unit such as 90s, got "90 seconds"`,
		},
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

// What Windows writes, and JSON, is taken as it is.
func TestDecode_takes(t *testing.T) {
	for _, text := range []string{
		"site: a\r\nuplink:\r\n  window: 5m\r\n", "\ufeffsite: a\r\n", "site:\ta\n", "site: a\t\n", `{"site": "a"}`,
		"site: a\rport: 1\r",
	} {
		into := defaults()
		if err := config.Decode("g", []byte(text), &into); err != nil || into.Site != "a" {
			t.Errorf("%q: got %q, %v", text, into.Site, err)
		}
	}
}

// A long file of faults is refused soon, and a line of any length is shown in part.
func TestDecode_repairs_bounded(t *testing.T) {
	into := defaults()
	err := config.Decode("g", []byte(strings.Repeat("key "+strings.Repeat("x", 300)+"\n", 200)), &into)
	if err == nil || len(err.Error()) > 400 {
		t.Errorf("got %.500v", err)
	}
}
