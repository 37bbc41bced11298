package config_test

import (
	"testing"

	"piway/shared/config"
)

func TestSize_UnmarshalText(t *testing.T) {
	for text, want := range map[string]config.Size{
		"0": 0, "1024": 1024, "17B": 17, "512KB": 512_000, "512KiB": 512 << 10, "64MiB": 64 << 20, "64mib": 64 << 20,
		"5 GB": 5e9, "2GiB": 2 << 30, "1TB": 1e12, "8388607TiB": 8388607 << 40,
	} {
		var got config.Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", text, int64(got), err, int64(want))
		}
	}
	for _, text := range []string{
		"", "MiB", "64M", "1.5MiB", "-1", "+1", "1 2", "1MiBs", "0x10", "9223372036854775808",
		"8388608TiB",
	} {
		var got config.Size
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got %d, want an error", text, int64(got))
		}
	}
}

func TestSize_String(t *testing.T) {
	for size, want := range map[config.Size]string{
		0: "0B", 17: "17B", 512_000: "500KiB", 1_000_000: "1MB",
		64 << 20: "64MiB",
	} {
		if got := size.String(); got != want {
			t.Errorf("%d: got %s, want %s", int64(size), got, want)
		}
	}
}
