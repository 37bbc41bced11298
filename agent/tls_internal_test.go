package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/shared/mqttlink/fakebroker"
	"piway/shared/pki"
)

// secure is a broker that is proved by a pin.
func secure(t *testing.T) (*fakebroker.Broker, pki.Sum) {
	t.Helper()
	a, err := pki.OpenAuthority(t.TempDir(), []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	return fakebroker.New(t, &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{*a.Certificate()},
	}), a.Pin()
}

// pinned is configure with a pin, and what else stands in the section of the gateway.
func pinned(t *testing.T, address string, pin pki.Sum, more string) string {
	t.Helper()
	path := configure(t, address)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "gateway: {", fmt.Sprintf("gateway: {pins: [%s], mdns: false, %s", pin, more), 1))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// An agent with a pin and a password speaks TLS. From then on it does not start without the pin, nor does a report by
// cron leave in clear, until the mark is removed as the error says.
func TestRun_neverBackToPlain(t *testing.T) {
	t.Parallel()
	b, pin := secure(t)
	path := pinned(t, b.Addr(), pin, "")
	mark := filepath.Join(filepath.Dir(path), "spool", "gateway")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan called, 1)
	go func() { done <- call(ctx, "run", "--config", path) }()
	for p := range b.Publishes {
		if p.Topic == "pi/kitchen/samples" {
			break
		}
	}
	cancel()
	if got := <-done; got.status != 0 {
		t.Fatalf("got %+v", got)
	}
	if hello := <-b.Connects; hello.Username != "kitchen" || hello.Password != "hush" {
		t.Errorf("got %+v", hello)
	}
	plain := fakebroker.New(t, nil)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.NewReplacer(fmt.Sprintf("pins: [%s],", pin), "", b.Addr(), plain.Addr()).Replace(string(text))
	if err := os.WriteFile(path, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"run"}, {"once", "--publish"}, {"check"}} {
		got := call(t.Context(), append(args, "--config", path)...)
		if got.status != 1 || !strings.Contains(got.err, "does not go back to plain") ||
			!strings.Contains(got.err, "\ntry: gateway.pins: [\""+pin.String()+"\"]") || !strings.Contains(got.err, "remove "+mark) {
			t.Errorf("%v: got %+v", args, got)
		}
	}
	if len(plain.Connects) != 0 {
		t.Error("something was said in clear")
	}
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	if got := call(t.Context(), "once", "--publish", "--config", path); got.status != 0 {
		t.Errorf("after the mark was removed: got %+v", got)
	}
}

// A device with a key sends no password, whatever else is configured.
func TestCheck_tellsPinKeyAndPlace(t *testing.T) {
	t.Parallel()
	b, pin := secure(t)
	file := filepath.Join(t.TempDir(), "key")
	key, err := pki.MakeDeviceKey(file)
	if err != nil {
		t.Fatal(err)
	}
	path := pinned(t, "127.0.0.1:1", pin, fmt.Sprintf("username: me, key_file: %s, addresses: [%q], ", file, b.Addr()))
	got := call(t.Context(), "check", "--config", path)
	for _, want := range []string{
		"pin            " + pin.String(), "key            " + file + ": " + pki.SumOfCert(key.Leaf).String(),
		"gateway        " + b.Addr() + " (configured): proved by its pin, login as \"kitchen\" with the key accepted",
	} {
		if got.status != 0 || !strings.Contains(got.out, want) {
			t.Errorf("want %q in %+v", want, got)
		}
	}
	if hello := <-b.Connects; hello.Username != "kitchen" || hello.Password != "" {
		t.Errorf("got %+v", hello)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), "spool")); err == nil {
		t.Error("check made the folder of the spool")
	}
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := call(t.Context(), "check", "--config", path); got.status != 1 || !strings.Contains(got.out, file+": FAILS: ") ||
		!strings.Contains(got.err, "gateway.key_file") {
		t.Errorf("got %+v", got)
	}
}

func TestReadToken(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"piw1.abc\n": "piw1.abc", "  sudo piway-agent join piw1.abc\r\n": "piw1.abc",
		"sudo piway-agent join piw1.abc # kitchen\n": "piw1.abc",
	} {
		if got, err := readToken("it", strings.NewReader(text)); err != nil || got != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	if _, err := readToken("it", strings.NewReader(" \n")); err == nil {
		t.Error("an empty input is no token")
	}
	if got := call(t.Context(), "join", "--config", filepath.Join(t.TempDir(), "a"), "piw1.abc"); got.status != 1 ||
		!strings.Contains(got.err, "cut off or mistyped") || !strings.Contains(got.err, "\ntry: copy it again") {
		t.Errorf("got %+v", got)
	}
}

func TestJoinCmd_token(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, empty := filepath.Join(dir, "token"), filepath.Join(dir, "empty")
	for path, text := range map[string]string{file: "piw1.abc\n", empty: "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		cmd  joinCmd
		want string
	}{
		{joinCmd{Token: []string{"piw1.x"}}, "piw1.x"},
		{joinCmd{File: file}, "piw1.abc"},
		{joinCmd{}, ""},
		{joinCmd{Token: []string{"piw1.x"}, File: file}, ""},
		{joinCmd{File: empty}, ""},
		{joinCmd{File: filepath.Join(dir, "none")}, ""},
		{joinCmd{Token: []string{"piw1.x", "yz"}}, "piw1.x yz"}, // in a line that was broken
		{joinCmd{Token: []string{"piw1.x", "#", "kitchen"}}, "piw1.x"},
	} {
		if got, err := c.cmd.token(); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%+v: got %q, %v", c.cmd, got, err)
		}
	}
}
