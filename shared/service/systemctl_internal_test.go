package service

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// systemctl stands in for the program: $PIWAY_TEST_UNIT has the properties that it shows, and $PIWAY_TEST_UNIT.log what it
// was called with. What else it does is in the file hook beside it.
const systemctl = `#!/bin/sh
unit=$PIWAY_TEST_UNIT
echo "$*" >>"$unit.log"
set_() { sed -i "s|^$1=.*|$1=$2|" "$unit"; }
case $1 in
show) ;;
enable) set_ UnitFileState enabled ;;
restart) set_ ActiveState active ;;
disable) set_ UnitFileState disabled; set_ ActiveState inactive ;;
esac
[ ! -e "$unit.hook" ] || . "$unit.hook"
[ "$1" != show ] || cat "$unit"
`

const journalctl = "#!/bin/sh\necho what it said last\n"

// A bench is a machine with one unit, whose configuration is in conf.
type bench struct {
	t    *testing.T
	m    machine
	unit string // the file with its properties
	conf string
	out  bytes.Buffer
}

func newBench(t *testing.T, changes ...string) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, unit: filepath.Join(dir, "unit"), conf: filepath.Join(dir, "agent.yaml")}
	for name, text := range map[string]string{"systemctl": systemctl, "journalctl": journalctl} {
		b.write(filepath.Join(dir, name), text)
	}
	b.write(b.conf, "")
	properties := "Type=simple\nResult=success\nNeedDaemonReload=no\nExecMainStatus=0\nMainPID=7\nUser=piway-agent\n" +
		"ExecStart={ path=/usr/bin/piway-agent ; argv[]=/usr/bin/piway-agent run --config " + b.conf +
		" ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }\n" +
		"LoadState=loaded\nActiveState=inactive\nSubState=dead\nUnitFileState=disabled\n"
	for _, c := range changes {
		name, _, _ := strings.Cut(c, "=")
		properties = c + "\n" + properties
		if name == "" {
			properties = ""
		}
	}
	b.write(b.unit, properties)
	t.Setenv("PIWAY_TEST_UNIT", b.unit)
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	now := time.Unix(0, 0)
	b.m = machine{
		booted: dir, uid: 0, steady: time.Second, now: func() time.Time { return now },
		sleep: func(ctx context.Context, d time.Duration) error {
			now = now.Add(d)
			return ctx.Err()
		},
	}
	return b
}

func (b *bench) write(path, text string) {
	b.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		b.t.Fatal(err)
	}
}

// called returns the commands other than show.
func (b *bench) called() string {
	b.t.Helper()
	text, err := os.ReadFile(b.unit + ".log")
	if err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "show") {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return strings.Join(all, "; ")
}

func (b *bench) restart() (bool, error) {
	return b.m.restart(b.t.Context(), "piway-agent", b.conf, &b.out)
}
