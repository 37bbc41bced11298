package collect

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"piway/agent/collect/hosttest"
	"piway/agent/collect/reading"
	"piway/shared/sample"
)

func TestParseLoads(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]float64{
		"0.42 0.31 0.22 1/142 4711\n": {0.42, 0.31, 0.22},
		"1024.00 2 3":                 {1024, 2, 3},
	} {
		if got, err := parseLoads(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "1 2", "a b c", "NaN 1 1", "1 Inf 1", "-1 1 1", "0,42 0,31 0,22"} {
		if got, err := parseLoads(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestParseSwap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text        string
		total, free uint64
		ok          bool
	}{
		{"MemTotal: 1 kB\nSwapTotal:  102396 kB\nSwapFree:  81660 kB\n", 102396, 81660, true},
		{"SwapFree: 5 kB\nSwapTotal: 9 kB", 9, 5, true},
		{"SwapTotal: 0 kB\nSwapFree: 0 kB\n", 0, 0, true},
		{"SwapTotal: 9 kB\n", 9, 0, false},
		{"SwapTotal: -1 kB\nSwapFree: 0 kB\n", 0, 0, false},
		{"SwapTotal: 9 MB\nSwapFree: 0 kB\n", 0, 0, false},
		{"", 0, 0, false},
	} {
		if total, free, ok := parseSwap(tt.text); total != tt.total || free != tt.free || ok != tt.ok {
			t.Errorf("%q: got %d, %d, %t", tt.text, total, free, ok)
		}
	}
}

func TestSwapUsage(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]float64{
		"SwapTotal: 200 kB\nSwapFree: 50 kB\n":  {75},
		"SwapTotal: 200 kB\nSwapFree: 200 kB\n": {0},
		"SwapTotal: 0 kB\nSwapFree: 0 kB\n":     nil,
		"SwapTotal: 5 kB\nSwapFree: 6 kB\n":     nil,
		"":                                      nil,
	} {
		dir := t.TempDir()
		hosttest.Write(t, filepath.Join(dir, "proc/meminfo"), text)
		f := reading.Guarded(hosttest.On(t.Context(), dir), swapUsage)
		var got []float64
		for _, s := range f.Samples {
			got = append(got, s.Value)
		}
		if !slices.Equal(got, want) || (f.Err == nil) != (want != nil) {
			t.Errorf("%q: got %v, %v; want %v", text, got, f.Err, want)
		}
	}
}

func TestParsePressure(t *testing.T) {
	t.Parallel()
	const full = "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"
	if got, err := parsePressure("some avg10=1.00 avg60=0.12 avg300=0.04 total=4711\n" + full); got != 4711 || err != nil {
		t.Errorf("got %d, %v; want 4711", got, err)
	}
	for _, text := range []string{"", full, "some avg10=1.00\n", "some total=-1\n", "some total=\n", "sometotal=1"} {
		if got, err := parsePressure(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}

func TestParseOSRelease(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n": "Debian GNU/Linux 12 (bookworm)",
		"PRETTY_NAME='Alpine'": "Alpine",
		"PRETTY_NAME=Void":     "Void",
		"NAME=x\n":             "",
	} {
		if got := parseOSRelease(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// Whatever the files hold, no parser panics, and what it believes can be sent.
func FuzzParsers(f *testing.F) {
	for _, seed := range []string{
		"0.42 0.31 0.22 1/142 4711\n", "SwapTotal: 9 kB\nSwapFree: 5 kB\n", "some avg10=0.00 total=4711\n",
		"1234 567 89\n",
		"PRETTY_NAME=\"x\"\n", "Raspberry Pi\x00", "fan1_input", "pwm1", "NaN", "", "\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if averages, err := parseLoads(text); err == nil {
			for _, v := range averages {
				if v < 0 || sample.CheckValue(v) != nil && v < math.Ldexp(1, 360) {
					t.Errorf("load of %q: %v", text, v)
				}
			}
		}
		for _, n := range fanNumbers([]string{text}) {
			if n == "" || strings.Trim(n, "0123456789") != "" {
				t.Errorf("fan of %q: %q", text, n)
			}
		}
		_, _, _ = parseSwap(text)
		_, _ = parsePressure(text)
		_, _ = parseResident(text)
		_ = parseOSRelease(text)
	})
}
