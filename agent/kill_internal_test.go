package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/shared/mqttlink/fakebroker"
	"piway/shared/sample"
)

const patience = 20 * time.Second

// asAgent makes the test binary be the program.
const asAgent = "PIWAY_TEST_AS_AGENT"

func TestMain(m *testing.M) {
	if os.Getenv(asAgent) != "" {
		main()
	}
	os.Exit(m.Run())
}

// process starts the agent as a process of its own.
func process(t *testing.T, config string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "run", "--config", config)
	cmd.Env = append(os.Environ(), asAgent+"=1")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // most have ended before
		_ = cmd.Wait()
	})
	return cmd
}

// reports calls f with each report until f returns false.
func reports(ctx context.Context, t *testing.T, b *fakebroker.Broker, f func(sample.Report) bool) {
	t.Helper()
	for {
		select {
		case p := <-b.Publishes:
			if !strings.HasSuffix(p.Topic, "/samples") {
				continue
			}
			m, err := sample.Decode(p.Payload)
			if err != nil || len(m.Refused) > 0 {
				t.Fatalf("%s: %v %v", p.Payload, m.Refused, err)
			}
			m.Report.Sent, m.Report.SentUptime = 0, 0
			if !f(m.Report) {
				return
			}
		case <-ctx.Done():
			t.Fatal("no more reports")
		}
	}
}

// An agent that is killed while the gateway does not answer has its readings on the disk. The next one sends them as
// they were, oldest first, and leaves nothing there.
func TestRun_killedDuringAnOutage(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	o := beginOutage(ctx, t)
	if err := o.agent.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = o.agent.Wait() // it was killed
	o.end(ctx, t)
}

// An agent whose folder is removed while the gateway does not answer makes it anew, with all that it has in memory.
func TestRun_folderRemovedDuringAnOutage(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	o := beginOutage(ctx, t)
	if err := os.RemoveAll(o.folder); err != nil {
		t.Fatal(err)
	}
	if err := o.agent.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := o.agent.Wait(); err != nil {
		t.Errorf("at the end: %v", err)
	}
	o.end(ctx, t)
}

// An outage is an agent whose gateway does not answer, and what it has sent so far.
type outage struct {
	agent          *exec.Cmd
	config, folder string
	address, run   string
	sent           map[int64]sample.Report
}

func beginOutage(ctx context.Context, t *testing.T) *outage {
	t.Helper()
	silent := fakebroker.New(t, nil)
	silent.Puback = func(p fakebroker.Publish) bool { return !strings.HasSuffix(p.Topic, "/samples") }
	config := configure(t, silent.Addr())
	o := &outage{
		config: config, folder: filepath.Join(filepath.Dir(config), "spool"), address: silent.Addr(),
		sent:  map[int64]sample.Report{},
		agent: process(t, config),
	}
	reports(ctx, t, silent, func(r sample.Report) bool {
		o.run, o.sent[r.Seq] = r.Run, r
		return r.Seq < 15 // 1.5 s, of which the last part goes to the disk as it is read
	})
	return o
}

// end is the next process, whose gateway answers: all comes as it was sent before, and in order.
func (o *outage) end(ctx context.Context, t *testing.T) {
	t.Helper()
	if files, err := os.ReadDir(o.folder); err != nil || len(files) != 1 {
		t.Fatalf("files left: %v, %v", files, err)
	}
	answering := fakebroker.New(t, nil)
	text, err := os.ReadFile(o.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.config, []byte(strings.ReplaceAll(string(text), o.address, answering.Addr())),
		0o600); err != nil {
		t.Fatal(err)
	}
	second := process(t, o.config)
	var last int64
	reports(ctx, t, answering, func(r sample.Report) bool {
		if r.Run != o.run {
			return false // its own come behind
		}
		if r.Seq != last+1 {
			t.Errorf("report %d after %d", r.Seq, last)
		}
		last = r.Seq
		if known, ok := o.sent[r.Seq]; ok {
			if diff := cmp.Diff(known, r); diff != "" {
				t.Errorf("report %d has changed: %s", r.Seq, diff)
			}
		}
		return true
	})
	if last < 15 {
		t.Errorf("%d reports came, at least 15 were made", last)
	}
	if err := second.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := second.Wait(); err != nil {
		t.Errorf("at the end: %v", err)
	}
	if files, err := os.ReadDir(o.folder); err != nil || len(files) != 0 {
		t.Errorf("files left after all was delivered: %v, %v", files, err)
	}
}
