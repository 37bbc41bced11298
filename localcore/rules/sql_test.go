package rules_test

import (
	"strings"
	"testing"

	"piway/localcore/rules"
)

func TestParseSQL_accepts(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT * FROM 'raspi/metrics'":                "raspi/metrics",
		"select*from'a'":                               "a",
		"\n SELECT\t*\r\n FROM 'gw/+/metric' \n":       "gw/+/metric",
		"Select * From 'a/#'":                          "a/#",
		"SELECT * FROM '$aws/rules/r/1/2/3/4/5/6/7/8'": "$aws/rules/r/1/2/3/4/5/6/7/8",
		"SELECT * FROM 'ä b'":                          "ä b",
	} {
		f, err := rules.ParseSQL(sql)
		if err != nil || f.String() != want {
			t.Errorf("%q: got %q and %v, want %q", sql, f, err, want)
		}
	}
}

func TestParseSQL_refusesWithColumn(t *testing.T) {
	for sql, want := range map[string]string{
		"":                                   "column 1: got the end, want SELECT",
		"DELETE * FROM 'a'":                  `column 1: got "DELETE", want SELECT`,
		"SELECT":                             "column 7: got the end, want *",
		"SELECT name FROM 'a'":               `column 8: got "name", want *`,
		"SELECT *, topic() FROM 'a'":         `column 9: got ",", want FROM`,
		"SELECT * FROM a":                    `column 15: got "a", want a topic filter in single quotes`,
		`SELECT * FROM "a"`:                  `column 15: got "\"", want a topic filter`,
		"SELECT * FROM 'a":                   `column 15: got "'a", want a closing single quote`,
		"SELECT * FROM '":                    `column 15: got "'", want a closing single quote`,
		"SELECT * FROM ''":                   `column 15: topic filter "": empty`,
		"SELECT * FROM 'ä' WHERE value > 1":  `column 19: got "WHERE", want the end`,
		"SELECT * FROM 'a'; DROP":            `column 18: got ";", want the end`,
		"SELECT * FROM 'a/#/b'":              `column 15: topic filter "a/#/b": # must be the last level`,
		"SELECT * FROM 'a/b+'":               `column 15: topic filter "a/b+": a wildcard must be a whole level`,
		"SELECT * FROM '1/2/3/4/5/6/7/8/9'":  "more slashes than the 7",
		"SELECT * FROM '\x00'":               "not UTF-8 text",
		"SELECT * FROM '\xff'":               "not UTF-8 text",
		"SELECT\u00a0* FROM 'a'":             `column 7: got "\u00a0", want *`,
		"SELECT * FROM '" + long(257) + "'":  "257 bytes, IoT Core takes 256",
		"SELECT * FROM 'a' -- " + long(1000): `column 19: got "-", want the end`,
	} {
		if _, err := rules.ParseSQL(sql); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v, want %q in it", sql, err, want)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func TestFilter_Match(t *testing.T) {
	for _, tc := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/b/c", false},
		{"a/b", "a", false},
		{"a/b", "A/b", false},
		{"+/b", "a/b", true},
		{"a/+", "a/", true},
		{"a/+", "a", false},
		{"+", "a/b", false},
		{"#", "a/b/c", true},
		{"a/#", "a/b/c", true},
		{"a/#", "a/", true},
		{"a/#", "a", false}, // not as in plain MQTT
		{"a/+/c/#", "a/b/c/d", true},
		{"#", "$aws/events/x", false},
		{"+/events/x", "$aws/events/x", false},
		{"$aws/events/#", "$aws/events/x", true},
	} {
		f, err := rules.ParseFilter(tc.filter)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Match(tc.topic); got != tc.want {
			t.Errorf("%q matches %q: got %v, want %v", tc.filter, tc.topic, got, tc.want)
		}
	}
}

func FuzzParseSQL(f *testing.F) {
	for _, s := range []string{"SELECT * FROM 'a/+/#'", "select*from'$aws/rules/x/y'", "SELECT * FROM 'a", "SELECT '", "ä*\xff"} {
		f.Add(s, "a/b/c")
	}
	f.Fuzz(func(t *testing.T, sql, topic string) {
		filter, err := rules.ParseSQL(sql)
		if err != nil {
			return
		}
		again, err := rules.ParseSQL("SELECT * FROM '" + filter.String() + "'")
		if err != nil || again.String() != filter.String() {
			t.Errorf("%q: its filter %q reads back as %q, %v", sql, filter, again, err)
		}
		plain := !strings.ContainsAny(filter.String(), "+#")
		if filter.Match(topic) != (filter.String() == topic) && plain {
			t.Errorf("%q without wildcards and topic %q: got %v", filter, topic, filter.Match(topic))
		}
	})
}
