package join

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/shared/config"
	"piway/shared/pairing"
	"piway/shared/pki"
	"piway/shared/testlog"
)

// The token's secret is in no file, and nowhere in what is said or logged, whether it works or not.
func TestJoin_showsNoSecret(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusUnauthorized, http.StatusInternalServerError} {
		g := newGateway(t)
		g.answer = func(w http.ResponseWriter, _ [6]byte, _ [16]byte, _ pki.Sum) {
			if status == http.StatusOK {
				g.welcome(w, "kitchen")
				return
			}
			w.WriteHeader(status)
		}
		m := newMachine(t, "")
		token := pairing.Token{ID: [6]byte{1}, Secret: [16]byte([]byte("sixteen of these")), Pin: g.authority.Pin()}
		token.Addresses = []string{"127.0.0.1:1", g.Addr()}
		text, err := token.String()
		if err != nil {
			t.Fatal(err)
		}
		log := new(testlog.Log)
		debug := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		opt := Options{Token: text, Config: m.config, Out: &m.out, Log: debug}
		err = Join(t.Context(), opt)
		if (err == nil) != (status == http.StatusOK) {
			t.Fatalf("%d: got %v", status, err)
		}
		all := log.String() + m.out.String()
		if err != nil {
			all += err.Error() + config.Hint(err)
		}
		opt.Token = text[:len(text)-3] // cut off
		if err := Join(t.Context(), opt); !errors.Is(err, pairing.ErrMistyped) {
			t.Errorf("got %v", err)
		} else {
			all += err.Error() + config.Hint(err)
		}
		err = filepath.WalkDir(m.dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			all += string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{string(token.Secret[:]), hex.EncodeToString(token.Secret[:]), text[:len(text)-3], text[30:50]} {
			if strings.Contains(all, secret) {
				t.Errorf("%d: %q is shown", status, secret)
			}
		}
	}
}

// A configuration that cannot be written when the gateway has answered is one that the same line writes later.
func TestJoin_cannotWrite(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	m := newMachine(t, "")
	before, err := os.ReadFile(m.config)
	if err != nil {
		t.Fatal(err)
	}
	g.answer = func(w http.ResponseWriter, _ [6]byte, _ [16]byte, _ pki.Sum) {
		if err := errors.Join(os.Remove(m.config), os.Mkdir(m.config, 0o755)); err != nil {
			t.Error(err)
		}
		g.welcome(w, "kitchen")
	}
	if err := m.join(t.Context(), g.token(t, 1)); err == nil || config.Hint(err) != "the same line again" {
		t.Errorf("got %v, try: %s", err, config.Hint(err))
	}
	if err := errors.Join(os.Remove(m.config), os.WriteFile(m.config, before, 0o644)); err != nil {
		t.Fatal(err)
	}
	g.answer = func(w http.ResponseWriter, _ [6]byte, _ [16]byte, _ pki.Sum) { g.welcome(w, "kitchen") }
	if err := m.join(t.Context(), g.token(t, 1)); err != nil {
		t.Fatal(err)
	}
	if asked, shown := g.keys(); len(asked) != 2 || asked[0] != asked[1] || len(shown) != 1 || shown[0] != asked[0] {
		t.Errorf("asked with %v, logged in with %v", asked, shown)
	}
}
