package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/shared/config"
)

type gateway struct {
	Site   string   `yaml:"site"`
	Port   uint16   `yaml:"port"`
	Level  int8     `yaml:"level"`
	Ratio  float64  `yaml:"ratio"`
	On     bool     `yaml:"on_air"`
	Topics []string `yaml:"script_topics"`
	Uplink uplink   `yaml:"uplink"`
	Rules  []rule   `yaml:"rules"`
	Loose  string   // no key: it has no tag
}

type uplink struct {
	Window       time.Duration `yaml:"window"`
	Grace        time.Duration `yaml:"grace"`
	MaxBytes     config.Size   `yaml:"max_bytes"`
	Password     config.Secret `yaml:"password"`
	PasswordFile string        `yaml:"password_file"`
}

type rule struct {
	Match  string `yaml:"match"`
	Reduce string `yaml:"reduce"`
}

func (g *gateway) Validate() error {
	var errs []error
	if g.Uplink.Grace > g.Uplink.Window {
		errs = append(errs, config.Errorf("uplink.grace", "must be at most uplink.window, got %s", g.Uplink.Grace))
	}
	if g.Site == "refused" {
		errs = append(errs, config.Try(config.Errorf("site", "is refused"), "another"))
	}
	for i, r := range g.Rules {
		if r.Match == "" {
			errs = append(errs, config.Errorf("rules["+string(rune('0'+i))+"].match", "must be set"))
		}
	}
	return errors.Join(errs...)
}

func defaults() gateway {
	return gateway{
		Site: "home", Port: 1883, Topics: []string{"raspi/metrics"},
		Uplink: uplink{Window: time.Minute, Grace: 10 * time.Second, MaxBytes: 1 << 20},
	}
}

func TestDecode_readsEveryType(t *testing.T) {
	const text = `---
# a comment
site: 0123   # the text as written
port: "8883"
level: -5
ratio: 1e-3
on_air: True
script_topics: [a/b, 'c d']
uplink:
  window: 1d12h
  grace: 0s
  max_bytes: 64 MiB
  password_file: >-
    /etc/piway
    secret
rules:
  - {match: "cpu *", reduce: max}
  - match: x
`
	got := defaults()
	if err := config.Decode("gateway.yaml", []byte(text), &got); err != nil {
		t.Fatal(err)
	}
	want := gateway{
		Site: "0123", Port: 8883, Level: -5, Ratio: 1e-3, On: true, Topics: []string{"a/b", "c d"},
		Uplink: uplink{Window: 36 * time.Hour, MaxBytes: 64 << 20, PasswordFile: "/etc/piway secret"},
		Rules:  []rule{{"cpu *", "max"}, {"x", ""}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDecode_keepsDefaultsOfAbsentKeys(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":          "",
		"comments":         "# site: x\n",
		"document start":   "---\n",
		"byte order mark":  "\ufeff# hello\r\n",
		"directive":        "%YAML 1.2\n---\nsite: home\n",
		"an empty group":   "uplink:\n#  window: 5s\n",
		"an empty mapping": "uplink: {}\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := defaults()
			if err := config.Decode("gateway.yaml", []byte(text), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(defaults(), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecode_emptyListReplacesDefault(t *testing.T) {
	got := defaults()
	if err := config.Decode("gateway.yaml", []byte("script_topics: []"), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Topics) != 0 {
		t.Errorf("got %q, want none", got.Topics)
	}
}

func TestLoad_tellsAllMistakesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.yaml")
	text := "uplink:\n  windw: 5s\n  grace: 2m\nport: x\nrules:\n- reduce: max\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := defaults()
	err := config.Load(path, &got)
	want := strings.ReplaceAll(`F:2: uplink.windw: unknown key, did you mean "window"?
F:3: uplink.grace: must be at most uplink.window, got 2m0s
F:4: port: must be a whole number, 0 or more, got "x"
F:6: rules[0].match: must be set`, "F:", path+":")
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestLoad_absentFileGivesHint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.yaml")
	err := config.Load(path, new(gateway))
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) ||
		!strings.Contains(err.Error(), ", try: ") {
		t.Errorf("got %v, want one that names %s and what to try", err, path)
	}
	if hint := config.Hint(err); !strings.Contains(hint, "--config") {
		t.Errorf("hint: got %q, want --config in it", hint)
	}
}

func TestLoad_folderIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := config.Load(dir, new(gateway)); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want an error that names %s", err, dir)
	}
}

func TestDecode_boundsTheText(t *testing.T) {
	text := []byte(strings.Repeat("#", 128<<10+1))
	if err := config.Decode("gateway.yaml", text, new(gateway)); err == nil {
		t.Error("got nil for more than 128 KiB, want an error")
	}
}

func TestErrorf_keepsWhatItWraps(t *testing.T) {
	err := config.Errorf("uplink.cert", "reading: %w", os.ErrPermission)
	if got, want := err.Error(), "uplink.cert: reading: permission denied"; got != want ||
		!errors.Is(err, os.ErrPermission) {
		t.Errorf("got %q, want %q and os.ErrPermission inside", got, want)
	}
}

func TestTry_nilStaysNil(t *testing.T) {
	if err := config.Try(nil, "x"); err != nil {
		t.Errorf("got %v, want nil", err)
	}
	if hint := config.Hint(errors.New("x")); hint != "" {
		t.Errorf("hint of a plain error: got %q, want none", hint)
	}
}
