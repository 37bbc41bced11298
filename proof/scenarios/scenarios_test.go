package scenarios_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"piway/proof/world"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "8") // scenarios wait more than they work; the command line may say otherwise
	mayMount()
	os.Exit(m.Run())
}

// mayMount runs the tests of an ordinary user again, as one who may mount something that nobody else sees. It returns
// if there is no need, or if the kernel does not allow it.
func mayMount() {
	if os.Geteuid() == 0 {
		return
	}
	again := exec.Command("/proc/self/exe", os.Args[1:]...)
	again.Stdout, again.Stderr = os.Stdout, os.Stderr
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	if again.Start() != nil {
		return
	}
	_ = again.Wait() // its status says it
	os.Exit(again.ProcessState.ExitCode())
}

// patience ends a scenario in which something does not come; no scenario waits for it.
const patience = time.Minute

func TestScenarios(t *testing.T) {
	programs := filepath.Dir(world.Built(t).Gateway)
	testscript.Run(t, testscript.Params{
		Dir: ".",
		Setup: func(env *testscript.Env) error {
			s := &scene{
				ctx: t.Context(), dir: env.WorkDir, started: map[string]*world.Process{}, lines: map[string]*world.Proxy{},
				skip: env.T().Skip,
			}
			env.Values["scene"] = s
			env.Defer(s.close)
			return s.prepare(env, programs)
		},
		Cmds: map[string]command{
			"start": word((*scene).start, 1), "crash": word((*scene).crash, 1), "cut": word((*scene).cut, 1),
			"mend": word((*scene).mend, 1), "disk": word((*scene).disk, 2), "await": word((*scene).await, 2),
			"read": word((*scene).read, 2), "earlier": word((*scene).earlier, 1), "metric": metric,
		},
	})
}

type command = func(*testscript.TestScript, bool, []string)

// word is one of the scripts' that needs at least so many arguments behind it.
func word(do func(*scene, *testscript.TestScript, []string) error, args int) command {
	return func(ts *testscript.TestScript, neg bool, got []string) {
		if neg || len(got) < args {
			ts.Fatalf("wrong use: see go doc ./proof/scenarios")
		}
		ts.Check(do(ts.Value("scene").(*scene), ts, got))
	}
}

// await repeats a command until it prints what matches the pattern.
func (s *scene) await(ts *testscript.TestScript, args []string) error {
	pattern, err := regexp.Compile("(?m)" + args[0])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	var said string
	err = world.Poll(ctx, args[0], func() (bool, error) {
		if now := s.say(ctx, args[1:]); ctx.Err() == nil {
			said = now
		}
		return pattern.MatchString(said), nil
	})
	_, _ = fmt.Fprint(ts.Stdout(), said) // into memory
	return err
}

// metric fails where CloudWatch has nothing of the metric, with "!" where it has.
func metric(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: metric NAME")
	}
	s := ts.Value("scene").(*scene)
	text, err := s.metric(s.ctx, args[0])
	ts.Check(err)
	if (text == "") != neg {
		ts.Fatalf("CloudWatch has of %s: %q", args[0], text)
	}
	_, _ = fmt.Fprint(ts.Stdout(), text) // into memory
}

func (s *scene) read(ts *testscript.TestScript, args []string) error {
	text, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Setenv(args[0], strings.TrimSpace(string(text)))
	return err
}
