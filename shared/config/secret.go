package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
)

// A Secret is a text that does not show itself: every way of printing, logging or marshalling it gives "***",
// or "" if it is empty. Convert it with string(s) where it is used. It is never a key of a file.
type Secret string

// String returns "***", or "" for the empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// Format makes every verb of fmt print String: %d and %#v would show the text.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) } // fmt keeps its own errors

// LogValue makes slog print String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText makes JSON and YAML print String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

const maxSecret = 64 << 10

// ReadSecret returns what the file holds, without the line end after it; if file is "", the value of the environment
// variable env; "" if there is neither. A file that is named but cannot be read or is empty is an error.
func ReadSecret(file, env string) (Secret, error) {
	if file == "" {
		value, _ := os.LookupEnv(env)
		return Secret(value), nil
	}
	text, err := readFile(file, maxSecret)
	if errors.Is(err, fs.ErrNotExist) {
		return "", Try(err, hintFor("write the secret into it, readable only for this program's user", env))
	}
	if err != nil {
		return "", err
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", Try(fmt.Errorf("reading %s: is empty", file), hintFor("write the secret into it", env))
	}
	return Secret(secret), nil
}

func hintFor(what, env string) string {
	if env == "" {
		return what
	}
	return fmt.Sprintf("%s, or name no file and set %s", what, env)
}
