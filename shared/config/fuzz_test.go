package config_test

import (
	"strings"
	"testing"
	"time"

	"piway/shared/config"
)

// Whatever the bytes are, Decode ends; what it takes, it takes again in the same way; each mistake names the file.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", "site: a\nport: 1883\nuplink:\n  window: 5m\n  max_bytes: 64MiB\n", "rules:\n- {match: a, reduce: max}\n",
		"a: [b, {c: d}]\n---\n", "? a\n: b\n", "x: &a [*a]\n<<: *a\n", "\ufeffa: !!str |\n  b\n", "site: \"\\u00e9\n",
		"%YAML 1.2\n--- 1",
		"uplink: {window: 1d, grace: 106751d}", strings.Repeat("[", 200), strings.Repeat("- ", 200),
		strings.Repeat("a: {", 100),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		once, again := defaults(), defaults()
		err := config.Decode("g.yaml", text, &once)
		if err == nil {
			if err := config.Decode("g.yaml", text, &again); err != nil {
				t.Fatalf("taken, then refused: %v", err)
			}
			return
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if !strings.HasPrefix(line, "g.yaml:") {
				t.Fatalf("a mistake of %q does not name the file: %q", text, line)
			}
		}
	})
}

func FuzzSize_UnmarshalText(f *testing.F) {
	for _, seed := range []string{"64MiB", "512KB", "1024", "0", "8388607TiB", "9223372036854775807b", "ɐ1", "1 k"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var size, back config.Size
		if size.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := back.UnmarshalText([]byte(size.String())); err != nil || back != size || size < 0 {
			t.Errorf("%q is %d, printed as %s, read back as %d: %v", text, size, size, back, err)
		}
	})
}

// A duration that Go takes is taken with the same value, unless it is a bare 0.
func FuzzDecode_duration(f *testing.F) {
	for _, seed := range []string{"10s", "-1h5m", "0", "14d", "1d1h", "1.5h", "2540400h10m10s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune("0123456789.+-smhnuµd", r) }) {
			return
		}
		got := struct {
			D time.Duration `yaml:"d"`
		}{-1}
		err := config.Decode("g", []byte("d: '"+text+"'"), &got)
		if want, goErr := time.ParseDuration(text); goErr == nil && strings.Trim(text, "0.+-") != "" && (err != nil ||
			got.D != want) {
			t.Errorf("%q: got %v, %v, want %v", text, got.D, err, want)
		}
		if err == nil && strings.Contains(text, "d") && got.D < 0 {
			t.Errorf("%q: got %v, want no overflow", text, got.D)
		}
	})
}
