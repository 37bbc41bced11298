package join

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// What makes the test binary be a process that joins, and where it is to end by SIGKILL.
const (
	asJoin  = "PIWAY_TEST_JOIN_CONFIG"
	byToken = "PIWAY_TEST_JOIN_TOKEN"
	killAt  = "PIWAY_TEST_JOIN_KILL"
)

func TestMain(m *testing.M) {
	pauses = []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond}
	path := os.Getenv(asJoin)
	if path == "" {
		os.Exit(m.Run())
	}
	step = func(at string) {
		if at == os.Getenv(killAt) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	if err := (&machine{config: path}).join(context.Background(), os.Getenv(byToken)); err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}

// Ended by SIGKILL at each step, the machine is as before or is a device, and the same command again finishes it, with
// the same key.
func TestJoin_killed(t *testing.T) {
	t.Parallel()
	for at, paired := range map[string]bool{
		"looked": false, "key": false, "proved": false, "asked": false, "answered": false, "configured": true, "tried": true,
	} {
		g := newGateway(t)
		m := newMachine(t, "")
		before, err := os.ReadFile(m.config)
		if err != nil {
			t.Fatal(err)
		}
		token := g.token(t, 1)
		m.killed(t, token, at)
		after, err := os.ReadFile(m.config)
		if err != nil || bytes.Equal(before, after) == paired {
			t.Errorf("%s: got %v,\n%s", at, err, after)
		}
		if err := m.join(t.Context(), token); err != nil {
			t.Errorf("%s: again: %v", at, err)
			continue
		}
		asked, shown := g.keys()
		for _, key := range append(asked, shown...) {
			if key != asked[0] {
				t.Errorf("%s: asked with %v, logged in with %v", at, asked, shown)
			}
		}
		if w := m.load(t).Gateway; w.Address != g.Addr() || w.Pins[0] != g.authority.Pin() || len(m.keys(t)) != 1 {
			t.Errorf("%s: got %+v, %v", at, w, m.keys(t))
		}
	}
}

// The old key stays until the configuration that names the new one is on disk: by the old configuration an agent goes on.
func TestJoin_keepsTheOldKey(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	for at, paired := range map[string]bool{"key": false, "answered": false, "configured": true} {
		m := newMachine(t, "")
		if err := m.join(t.Context(), g.token(t, 1)); err != nil {
			t.Fatal(err)
		}
		old := m.load(t).Gateway.KeyFile
		m.killed(t, g.token(t, 2), at)
		if now := m.load(t).Gateway.KeyFile; (now != old) != paired {
			t.Errorf("%s: got %s", at, now)
		}
		if _, err := m.load(t).Key(); err != nil {
			t.Errorf("%s: the configuration names a key that is gone: %v", at, err)
		}
		if err := m.join(t.Context(), g.token(t, 2)); err != nil || m.load(t).Gateway.KeyFile == old {
			t.Errorf("%s: again: %v", at, err)
		}
	}
}

// killed joins in a process that is ended by SIGKILL there.
func (m *machine) killed(t *testing.T, token, at string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asJoin+"="+m.config, byToken+"="+token, killAt+"="+at)
	out, err := cmd.CombinedOutput()
	ended, ok := errors.AsType[*exec.ExitError](err)
	if !ok || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%s: got %v, %s, want it killed there", at, err, out)
	}
}
