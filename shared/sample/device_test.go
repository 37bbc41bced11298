package sample_test

import (
	"strings"
	"testing"

	"piway/shared/sample"
)

func TestIsDeviceName(t *testing.T) {
	long := strings.Repeat("a", sample.MaxDeviceName)
	for name, want := range map[string]bool{
		"a": true, "0": true, "pi-2.local_x": true, long: true,
		"": false, long + "a": false, "-a": false, ".": false, "_a": false, "a/b": false, "a+": false, "#": false,
		"a b": false, "a\n": false, "küche": false, "$SYS": false, "a\x00": false,
	} {
		if got := sample.IsDeviceName(name); got != want {
			t.Errorf("%q: got %t, want %t", name, got, want)
		}
	}
}
