package scenarios_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"piway/proof/world"

	"github.com/rogpeppe/go-internal/testscript"
)

// A scene is what one scenario plays in: a folder, the programs that it started, and the lines to them.
type scene struct {
	ctx     context.Context
	dir     string
	started map[string]*world.Process
	lines   map[string]*world.Proxy
	page    string // where localcore answers by HTTP
	skip    func(...any)
}

// bin is the folder of our programs.
func (s *scene) bin() string { return filepath.Join(s.dir, ".bin") }

// prepare puts the programs on the PATH, and the addresses into the configurations.
func (s *scene) prepare(env *testscript.Env, programs string) error {
	if err := os.Mkdir(s.bin(), 0o755); err != nil {
		return err
	}
	for _, name := range []string{"agent", "gateway", "localcore"} {
		if err := os.Symlink(filepath.Join(programs, name), filepath.Join(s.bin(), "piway-"+name)); err != nil {
			return err
		}
	}
	env.Setenv("PATH", s.bin()+string(os.PathListSeparator)+env.Getenv("PATH"))
	files, err := filepath.Glob(filepath.Join(s.dir, "*.yaml"))
	inside, ierr := filepath.Glob(filepath.Join(s.dir, "*", "*.yaml"))
	err = errors.Join(err, ierr)
	for _, file := range append(files, inside...) {
		err = errors.Join(err, s.fill(file))
	}
	return err
}

// fill replaces each $NAME of a configuration by the address of NAME, and $WORK by the scene's folder.
func (s *scene) fill(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	filled := os.Expand(string(text), func(name string) string {
		if name == "WORK" {
			return s.dir
		}
		l, lerr := s.line(name)
		if lerr != nil {
			err = lerr
			return ""
		}
		return l.Addr()
	})
	return errors.Join(err, os.WriteFile(file, []byte(filled), 0o600))
}

// line is the one to what is called so, or will be. So its address is known before, and stays.
func (s *scene) line(name string) (*world.Proxy, error) {
	if l := s.lines[name]; l != nil {
		return l, nil
	}
	l, err := world.NewProxy(s.ctx, "")
	if err == nil {
		s.lines[name] = l
	}
	return l, err
}

// A program that can be started.
type program struct {
	command []string   // with its configuration behind it, if it ends in --config
	ready   string     // a line of its log holds this when it serves
	listens []listener // of which one must be said
}

// A listener is where a program says in that line that it listens. A line leads there that is called as the program,
// with suffix behind it.
type listener struct {
	suffix string
	said   *regexp.Regexp
}

var programs = map[string]program{
	"aws": {
		strings.Fields("piway-localcore run --listen 127.0.0.1:0 --http 127.0.0.1:0 --certs certs"),
		"msg=serving",
		[]listener{{"", regexp.MustCompile(`mqtt=(\S+)`)}, {page, regexp.MustCompile(`http=(\S+)`)}},
	},
	"gateway": {
		strings.Fields("piway-gateway run --config"), "gateway ready",
		[]listener{{"_tls", regexp.MustCompile(`listen_tls=(\S+)`)}, {"", regexp.MustCompile(`listen=(\S+)`)}},
	},
	"earlier-gateway": {
		strings.Fields("earlier-gateway run --config"), "gateway ready",
		[]listener{{"_tls", regexp.MustCompile(`listen_tls=(\S+)`)}, {"", regexp.MustCompile(`listen=(\S+)`)}},
	},
	"agent":         {strings.Fields("piway-agent run --config"), "agent started", nil},
	"earlier-agent": {strings.Fields("earlier-agent run --config"), "agent started", nil},
	"mosquitto_sub": {strings.Fields("stdbuf -oL mosquitto_sub -d"), "Subscribed (mid", nil},
}

func (s *scene) start(ts *testscript.TestScript, args []string) error {
	name, args := args[0], args[1:]
	program, ok := programs[name]
	if !ok {
		return fmt.Errorf("%s: nothing that can be started", name)
	}
	args = append(program.command[1:len(program.command):len(program.command)], args...)
	if last := args[len(args)-1]; last == "--config" {
		args = append(args, name+".yaml")
	} else if config, ok := strings.CutSuffix(last, ".yaml"); ok {
		name = filepath.Base(config)
	}
	log, err := os.OpenFile(filepath.Join(s.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	p := &world.Process{Path: s.path(program.command[0]), Args: args, Dir: s.dir, Ready: program.ready, Log: log}
	s.started[name] = p
	ts.Defer(func() { p.Kill(); _ = log.Close() }) // of a test
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	if err := p.Start(ctx); err != nil {
		return err
	}
	return s.lead(ts, name, program.listens, p.Line(p.Ready))
}

// page is the suffix of where localcore answers by HTTP, to which no line leads.
const page = "_page"

// lead makes the lines of a program lead to where it says that it listens.
func (s *scene) lead(ts *testscript.TestScript, name string, listens []listener, line string) error {
	found := len(listens) == 0
	for _, l := range listens {
		said := l.said.FindStringSubmatch(line)
		switch {
		case said == nil:
			continue
		case l.suffix == page:
			s.page = said[1]
			continue
		}
		found = true
		to, err := s.line(name + l.suffix)
		if err != nil {
			return err
		}
		to.Lead(said[1])
		ts.Setenv(name+l.suffix, to.Addr())
	}
	if !found {
		return fmt.Errorf("%s does not say where it listens", name)
	}
	return nil
}

// path is that of one of our programs, or the name of one that is installed.
func (s *scene) path(program string) string {
	if strings.HasPrefix(program, "piway-") || strings.HasPrefix(program, earlier) {
		return filepath.Join(s.bin(), program)
	}
	return program
}

func (s *scene) crash(_ *testscript.TestScript, args []string) error {
	p := s.started[args[0]]
	if p == nil {
		return fmt.Errorf("%s was not started", args[0])
	}
	p.Kill()
	return nil
}

func (s *scene) cut(_ *testscript.TestScript, args []string) error {
	l, err := s.line(args[0])
	if err == nil {
		l.Blackhole(true)
	}
	return err
}

// mend lets new connections through. What was under way on the old ones is gone.
func (s *scene) mend(_ *testscript.TestScript, args []string) error {
	l, err := s.line(args[0])
	if err == nil {
		l.Reset()
		l.Blackhole(false)
	}
	return err
}

// disk mounts a small one, of memory.
func (s *scene) disk(ts *testscript.TestScript, args []string) error {
	dir := ts.MkAbs(args[0])
	if err := os.Mkdir(dir, 0o750); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+args[1]); err != nil {
		s.skip("mounting a small disk: ", err)
	}
	ts.Defer(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }) // of a test
	return nil
}

// say is what a command prints, and its error: that may be what is waited for.
func (s *scene) say(ctx context.Context, args []string) string {
	var said []byte
	var err error
	if args[0] == "metric" && len(args) == 2 {
		var text string
		text, err = s.metric(ctx, args[1])
		said = []byte(text)
	} else {
		cmd := exec.CommandContext(ctx, s.path(args[0]), args[1:]...)
		cmd.Dir = s.dir
		said, err = cmd.CombinedOutput()
	}
	if err != nil {
		return fmt.Sprintf("%s%v\n", said, err)
	}
	return string(said)
}

// metric is what CloudWatch has of one, a line for each datapoint.
func (s *scene) metric(ctx context.Context, name string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.page+"/metrics.json", nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }() // only read
	var all struct {
		Metrics []struct {
			Name, Unit string
			Datapoints []struct{ Value float64 }
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		return "", fmt.Errorf("reading /metrics.json: %w", err)
	}
	var text strings.Builder
	for _, m := range all.Metrics {
		for _, d := range m.Datapoints {
			if m.Name == name {
				_, _ = fmt.Fprintln(&text, d.Value, m.Unit) // into memory
			}
		}
	}
	return text.String(), nil
}

func (s *scene) close() {
	for _, l := range s.lines {
		l.Close()
	}
}
