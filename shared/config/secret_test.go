package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/shared/config"
)

func TestSecret_neverShown(t *testing.T) {
	const text = "hunter2"
	s := config.Secret(text)
	holder := struct{ Password config.Secret }{s}
	var out bytes.Buffer
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%d", "%10s"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", s, holder, &holder)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "secret", s, "holder", holder)
	}
	if err := json.NewEncoder(&out).Encode(holder); err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{text, fmt.Sprintf("%x", text)} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("%q shown in:\n%s", leak, &out)
		}
	}
	if !strings.Contains(out.String(), "***") {
		t.Errorf("got %s, want ***", &out)
	}
	if got := config.Secret("").String(); got != "" {
		t.Errorf("empty secret: got %q, want nothing", got)
	}
}

func TestReadSecret(t *testing.T) {
	t.Setenv("PIWAY_TEST_SECRET", "from env")
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct{ name, file, env, want string }{
		{"file before env", write("a", "from file\n"), "PIWAY_TEST_SECRET", "from file"},
		{"windows line end", write("b", "x\r\n"), "", "x"},
		{"spaces are kept", write("c", " x y "), "", " x y "},
		{"only the last line end is cut", write("d", "x\ny\n"), "", "x\ny"},
		{"env", "", "PIWAY_TEST_SECRET", "from env"},
		{"neither", "", "PIWAY_TEST_NOT_SET", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := config.ReadSecret(c.file, c.env)
			if err != nil || string(got) != c.want {
				t.Errorf("got %q, %v, want %q", string(got), err, c.want)
			}
		})
	}
}

func TestReadSecret_namedFileMustHoldOne(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.ReadSecret(empty, "PIWAY_X")
	if want := "reading " + empty + ": is empty, try: write the secret into it, or name no file and set PIWAY_X"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err = config.ReadSecret(filepath.Join(dir, "absent"), ""); !errors.Is(err, os.ErrNotExist) ||
		config.Hint(err) == "" {
		t.Errorf("absent: got %v, want os.ErrNotExist with a hint", err)
	}
}
