package service

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/shared/config"
)

func TestRestart(t *testing.T) {
	for name, tt := range map[string]struct {
		changes []string
		want    string
	}{
		"first":                {nil, "enable piway-agent; restart piway-agent"},
		"runs and is enabled":  {[]string{"ActiveState=active", "UnitFileState=enabled"}, "restart piway-agent"},
		"not set up so far":    {[]string{"ActiveState=failed", "UnitFileState=enabled", "ExecMainStatus=78"}, "restart piway-agent"},
		"says when it is":      {[]string{"Type=notify"}, "enable piway-agent; restart piway-agent"},
		"the file has changed": {[]string{"NeedDaemonReload=yes"}, "daemon-reload; enable piway-agent; restart piway-agent"},
		"nothing to enable":    {[]string{"UnitFileState=static"}, "restart piway-agent"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tt.changes...)
			done, err := b.restart()
			if !done || err != nil || b.called() != tt.want {
				t.Errorf("got %t, %v, %q, want %q", done, err, b.called(), tt.want)
			}
			for _, c := range strings.Split(tt.want, "; ") {
				if !strings.Contains(b.out.String(), "$ systemctl "+c+"\n") {
					t.Errorf("got no %q in %q", c, &b.out)
				}
			}
		})
	}
}

// What is not ours is not touched, and is no error.
func TestRestart_notOurs(t *testing.T) {
	for name, spoil := range map[string]func(b *bench){
		"no root":               func(b *bench) { b.m.uid = 1000 },
		"no systemd":            func(b *bench) { b.m.booted += "/none" },
		"no systemctl":          func(b *bench) { b.t.Setenv("PATH", b.t.TempDir()) },
		"systemctl fails":       func(b *bench) { b.write(b.unit+".hook", "echo no bus >&2; exit 1") },
		"says nothing":          func(b *bench) { b.write(b.unit, "") },
		"in a chroot":           func(b *bench) { b.write(b.unit+".hook", "echo Running in chroot, ignoring.; exit 0") },
		"another configuration": func(b *bench) { b.conf = filepath.Join(b.t.TempDir(), "agent.yaml") },
		"a folder of that name": func(b *bench) { b.conf = filepath.Dir(b.conf) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			spoil(b)
			restarted, err := b.restart()
			stopped, stopErr := b.m.stop(t.Context(), "piway-agent", b.conf, &b.out)
			if restarted || err != nil || stopped || stopErr != nil || b.called() != "" || b.out.Len() > 0 {
				t.Errorf("got %t, %v, %t, %v, %q and %q, want nothing", restarted, err, stopped, stopErr, b.called(), &b.out)
			}
		})
	}
	for _, property := range []string{
		"LoadState=not-found", "LoadState=masked", "ExecStart=", "ExecStart={ path=/a ; argv[]=/a run ; }",
		"ExecStart={ path=/a ; argv[]=/a run --config ; ignore_errors=no }",
		"ExecStart={ path=/a ; argv[]=/a run --config agent.yaml ; ignore_errors=no }",
	} {
		b := newBench(t, property)
		if done, err := b.restart(); done || err != nil || b.called() != "" {
			t.Errorf("%s: got %t, %v, %q, want nothing", property, done, err, b.called())
		}
	}
}

// The unit and the command may name one file by two paths.
func TestRestart_sameFile(t *testing.T) {
	b := newBench(t)
	link := filepath.Join(t.TempDir(), "link.yaml")
	if err := os.Symlink(b.conf, link); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(b.conf))
	for _, conf := range []string{link, "agent.yaml", "./x/../agent.yaml"} {
		b.conf = conf
		if done, err := b.restart(); !done || err != nil {
			t.Errorf("%s: got %t, %v, want it found", conf, done, err)
		}
	}
}

func TestRestart_fails(t *testing.T) {
	for name, tt := range map[string]struct{ hook, want string }{
		"is refused":    {`[ $1 != restart ] || { echo "Job failed." >&2; exit 1; }`, "starting piway-agent: systemctl restart: Job failed."},
		"ends at once":  {`[ $1 != restart ] || { set_ ActiveState activating; set_ ExecMainStatus 78; }`, "it does not stay up: it is activating"},
		"ends again":    {`[ $1 != show ] || set_ MainPID $(wc -l <"$unit.log")`, "it was started again"},
		"is gone":       {`[ $1 != restart ] || set_ LoadState not-found`, "the unit is gone"},
		"cannot enable": {`[ $1 != enable ] || { echo "Read-only file system" >&2; exit 1; }`, "Read-only file system"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.write(b.unit+".hook", tt.hook)
			done, err := b.restart()
			if done || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %t, %v, want %q", done, err, tt.want)
			}
			if name != "cannot enable" && (config.Hint(err) != "sudo journalctl -u piway-agent -n 30" ||
				!strings.Contains(b.out.String(), "  what it said last\n")) {
				t.Errorf("got the hint %q and %q, want the journal's", config.Hint(err), &b.out)
			}
		})
	}
}

// Interrupted, the same call again does all that is left.
func TestRestart_interrupted(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.m.sleep = func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	}
	if done, err := b.m.restart(ctx, "piway-agent", b.conf, &b.out); done || !errors.Is(err, context.Canceled) {
		t.Fatalf("got %t, %v, want an interruption", done, err)
	}
	b = newBench(t, "UnitFileState=enabled", "ActiveState=active")
	if done, err := b.restart(); !done || err != nil {
		t.Errorf("got %t, %v", done, err)
	}
}

func TestStop(t *testing.T) {
	for _, tt := range []struct {
		changes []string
		want    string
	}{
		{[]string{"ActiveState=active", "UnitFileState=enabled"}, "disable --now piway-agent"},
		{[]string{"ActiveState=activating", "UnitFileState=disabled"}, "disable --now piway-agent"},
		{[]string{"ActiveState=failed", "UnitFileState=enabled"}, "disable --now piway-agent"},
		{nil, ""},
	} {
		b := newBench(t, tt.changes...)
		if done, err := b.m.stop(t.Context(), "piway-agent", b.conf, &b.out); !done || err != nil || b.called() != tt.want {
			t.Errorf("%v: got %t, %v, %q, want %q", tt.changes, done, err, b.called(), tt.want)
		}
	}
	b := newBench(t, "ActiveState=active")
	b.write(b.unit+".hook", "[ $1 != disable ] || exit 5")
	if done, err := b.m.stop(t.Context(), "piway-agent", b.conf, &b.out); done || err == nil {
		t.Errorf("got %t, %v, want systemctl's error", done, err)
	}
}

// What systemctl says is bounded, and read whatever it is.
func FuzzParse(f *testing.F) {
	f.Add("LoadState=loaded\nExecStart={ path=/a ; argv[]=/a run --config /b ; ignore_errors=no }\n", "/b")
	f.Add("=\n\n==", "")
	f.Fuzz(func(t *testing.T, text, conf string) {
		p := parse([]byte(text))
		if runs(p["ExecStart"], conf) && conf == "" {
			t.Errorf("%q runs a configuration without a name", text)
		}
	})
}

func TestBounded(t *testing.T) {
	var b bounded
	for range 3 {
		if n, err := b.Write(bytes.Repeat([]byte("x"), maxOutput/2+1)); n != maxOutput/2+1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if b.Len() != maxOutput {
		t.Errorf("got %d bytes, want %d", b.Len(), maxOutput)
	}
}
