package sql_test

import (
	"strings"
	"testing"

	"piway/localcore/sql"
)

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
		f, err := sql.ParseFilter(tc.filter)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Match(tc.topic); got != tc.want {
			t.Errorf("%q matches %q: got %v, want %v", tc.filter, tc.topic, got, tc.want)
		}
	}
}

func TestCheckTopic(t *testing.T) {
	for topic, want := range map[string]string{
		"a/b":                          "",
		"$aws/rules/r/1/2/3/4/5/6/7/8": "",
		"":                             "empty",
		"a/+":                          "wildcards",
		"#":                            "wildcards",
		"a\x00":                        "not UTF-8",
		"1/2/3/4/5/6/7/8/9":            "more slashes than the 7",
		long(257):                      "257 bytes, IoT Core takes 256",
	} {
		err := sql.CheckTopic(topic)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q in it", topic, err, want)
		}
	}
}

func TestBasicIngest(t *testing.T) {
	for topic, want := range map[string][2]string{
		"$aws/rules/r/a/b": {"r", "a/b"},
		"$aws/rules/r":     {"r", ""},
		"$aws/rules//a":    {"", "a"},
		"a/b":              {"", "a/b"},
		"$aws/rules":       {"", "$aws/rules"},
	} {
		rule, rest, ok := sql.BasicIngest(topic)
		if rule != want[0] || rest != want[1] || ok != strings.HasPrefix(topic, "$aws/rules/") {
			t.Errorf("%q: got %q, %q, %v, want %q", topic, rule, rest, ok, want)
		}
	}
}
