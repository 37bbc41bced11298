package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/shared/cli"
	"piway/shared/mqttlink"
	"piway/shared/mqttlink/fakebroker"
	"piway/shared/sample"
)

// outcome of one call of the program.
type called struct {
	status   int
	out, err string
}

func call(ctx context.Context, args ...string) called {
	var out, errOut bytes.Buffer
	p := program()
	status := p.Status(p.Run(ctx, args, cli.Streams{Out: &out, Err: &errOut}), &errOut)
	return called{status, out.String(), errOut.String()}
}

// configure writes a configuration for the gateway at address and returns its path.
func configure(t *testing.T, address string) string {
	t.Helper()
	dir := t.TempDir()
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "agent.yaml")
	text := fmt.Sprintf("device: kitchen\ngateway: {address: %q, password_file: %q}\ncollect: {disks: [%q], folder: \"\", "+
		"interval: 100ms}\nspool: {dir: %q, after: 1s}\n", address, secret, dir, filepath.Join(dir, "spool"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHelp_has_examples(t *testing.T) {
	t.Parallel()
	if err := program().Examples(); err != nil {
		t.Error(err)
	}
	if got := call(t.Context()); got.status != 0 || !strings.Contains(got.out, "once") {
		t.Errorf("no arguments: got %+v", got)
	}
}

func TestErrors_have_a_hint(t *testing.T) {
	t.Parallel()
	mistake := filepath.Join(t.TempDir(), "agent.yaml")
	if err := os.WriteFile(mistake, []byte("gateway: {password_file: /none/there}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const notSetUp = 78 // for RestartPreventExitStatus= of the unit
	for _, c := range []struct {
		status int
		args   []string
	}{
		{1, []string{"bogus"}},
		{1, []string{"once", "--bogus"}},
		{1, []string{"run", "--config", mistake}},
		{notSetUp, []string{"run", "--config", filepath.Join(t.TempDir(), "none.yaml")}},
		{notSetUp, []string{"run", "--config", "../configs/agent.yaml"}},
	} {
		got := call(t.Context(), c.args...)
		if got.status != c.status || !strings.HasPrefix(got.err, "piway-agent: ") || !strings.Contains(got.err, "\ntry: ") ||
			got.out != "" {
			t.Errorf("%v: got %+v, want status %d", c.args, got, c.status)
		}
	}
}

func TestOnce_prints_one_line(t *testing.T) {
	t.Parallel()
	got := call(t.Context(), "once")
	m, err := sample.Decode([]byte(got.out))
	if got.status != 0 || err != nil || strings.Count(got.out, "\n") != 1 || len(m.Report.Samples) < 3 ||
		len(m.Refused) != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestOnce_publish(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	if got := call(t.Context(), "once", "--publish", "--config", configure(t, b.Addr())); got.status != 0 ||
		got.out != "" || got.err != "" {
		t.Errorf("got %+v", got)
	}
	if hello := <-b.Connects; hello.Username != "kitchen" || hello.Password != "hush" {
		t.Errorf("CONNECT: got %+v", hello)
	}
	deaf := fakebroker.New(t, nil)
	deaf.Puback = func(fakebroker.Publish) bool { deaf.Drop(); return false }
	if got := call(t.Context(), "once", "--publish", "--config", configure(t, deaf.Addr())); got.status != 1 {
		t.Errorf("without a PUBACK: got %+v, want status 1", got)
	}
}

func TestOnce_publish_arrives_at_mosquitto(t *testing.T) {
	t.Parallel()
	addr := fakebroker.Mosquitto(t)
	link, err := mqttlink.Connect(t.Context(), mqttlink.Options{Broker: "tcp://" + addr, ClientID: "reader"})
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	arrived := make(chan []byte, 1)
	if err := link.Subscribe(t.Context(), "pi/kitchen/samples",
		func(_ string, p []byte) { arrived <- bytes.Clone(p) }); err != nil {
		t.Fatal(err)
	}
	if got := call(t.Context(), "once", "--publish", "--config", configure(t, addr)); got.status != 0 {
		t.Fatalf("got %+v", got)
	}
	m, err := sample.Decode(<-arrived)
	if err != nil || m.Report.Device != "kitchen" || m.Report.Seq != 1 || m.Report.Sent == 0 ||
		len(m.Report.Samples) < 3 || len(m.Refused) != 0 {
		t.Errorf("got %+v, %v", m, err)
	}
}

// A folder that is no mount point is told as one; and nothing that only looks makes the folder of what runs.
func TestCheck_says_of_what_a_figure_is(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	file := configure(t, b.Addr())
	got := call(t.Context(), "check", "--config", file)
	dir := filepath.Dir(file)
	if got.status != 0 || !strings.Contains(got.out, "Percent; "+dir+" is a folder of /") {
		t.Errorf("got %+v, want the mount point that %s is a folder of", got, dir)
	}
	if _, err := os.Stat(filepath.Join(dir, "spool")); err == nil {
		t.Error("check made the folder of the spool")
	}
}

func TestRun_ends_cleanly(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan called, 1)
	file := configure(t, b.Addr())
	go func() { done <- call(ctx, "run", "--config", file) }()
	for p := range b.Publishes {
		if p.Topic == "pi/kitchen/samples" {
			break
		}
	}
	cancel()
	if got := <-done; got.status != 0 || !strings.Contains(got.err, "agent stopped") || strings.Contains(got.err, "hush") {
		t.Errorf("got %+v, want status 0", got)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	got := call(t.Context(), "check", "--config", configure(t, b.Addr()))
	for _, want := range []string{
		`device "kitchen"`, "cpu usage: ", "memory usage: ", "cpu temperature: ", "disk usage ",
		`login as "kitchen" accepted`,
	} {
		if got.status != 0 || !strings.Contains(got.out, want) {
			t.Errorf("want %q in %+v", want, got)
		}
	}
	refusing := fakebroker.New(t, nil)
	refusing.Connack = func(fakebroker.Connect) int { return 5 }
	got = call(t.Context(), "check", "--config", configure(t, refusing.Addr()))
	if got.status != 1 || !strings.Contains(got.err, "login refused") || !strings.Contains(got.err, "\ntry: ") {
		t.Errorf("a refused login: got %+v", got)
	}
}
