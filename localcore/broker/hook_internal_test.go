package broker

import "testing"

func TestClampKeepAlive(t *testing.T) {
	for asked, want := range map[uint16]uint16{
		0: 1200, 1: 30, 29: 30, 30: 30, 60: 60, 1200: 1200, 1201: 1200,
		65535: 1200,
	} {
		if got := clampKeepAlive(asked); got != want {
			t.Errorf("%d s asked for: got %d, want %d", asked, got, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tc := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/b/c", false},
		{"a/b/c", "a/b", false},
		{"a/+", "a/b", true},
		{"a/+", "a/", true},
		{"a/+", "a", false},
		{"+/+", "a/b", true},
		{"a/#", "a/b/c", true},
		{"a/#", "a/", true},
		{"a/#", "a", false}, // where plain MQTT says yes
		{"#", "a/b", true},
		{"+", "a/b", false},
	} {
		if got := matches(tc.filter, tc.topic); got != tc.want {
			t.Errorf("matches(%q, %q) = %v, want %v", tc.filter, tc.topic, got, tc.want)
		}
	}
}
