package broker_test

import (
	"io"
	"os/exec"
	"testing"

	"piway/shared/testlog"
)

// Who would shake hands again on a connection, or change its keys without end and say nothing else, is thrown out, and
// others are served: each such step would cost the gateway more than him.
func TestTLS_handshakesWithoutEnd(t *testing.T) {
	tool, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip(err)
	}
	r, _ := startTLS(t, nil)
	for name, tt := range map[string]struct{ version, say, seen string }{
		"renegotiation": {"-tls1_2", "R\n", "RENEGOTIATING"},
		"key updates":   {"-tls1_3", "K\n", "KEYUPDATE"},
	} {
		out := new(testlog.Log)
		cmd := exec.CommandContext(t.Context(), tool, "s_client", "-connect", r.AddrTLS().String(), tt.version)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }() // it is thrown out
		out.Want(t.Context(), t, "Verify return code")
		asked := 0
		for ; asked < 100; asked++ {
			if _, err := io.WriteString(in, tt.say); err != nil {
				break // it has ended
			}
			if !seen(t, out, ended, tt.seen, asked+1) {
				break
			}
		}
		if asked == 100 {
			t.Errorf("%s: goes on", name)
		}
		t.Logf("%s: %d times", name, asked)
		_ = in.Close()
		<-ended
		if out.Count(tt.seen) == 0 {
			t.Errorf("%s: never asked:\n%s", name, out)
		}
	}
	r.mustLogIn(nil, login{user: "pi1", password: "hunter-pi1"})
}

// seen waits until a line came so often; false says that the program has ended.
func seen(t *testing.T, out *testlog.Log, ended chan struct{}, line string, times int) bool {
	t.Helper()
	came := make(chan struct{})
	go func() {
		defer close(came)
		_, _ = out.Await(t.Context(), times, line) // the test's end ends it
	}()
	select {
	case <-came:
		return true
	case <-ended:
		return false
	}
}
