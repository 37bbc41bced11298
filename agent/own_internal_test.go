package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"piway/shared/mqttlink/fakebroker"
	"piway/shared/sample"
)

// nobody is an ordinary user, members the group of a folder.
const (
	nobody  = 65534
	members = 65533
)

// shared returns a folder as the agent's unit makes it, and a copy of this program that everybody may run.
func shared(t *testing.T) (dir, program string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can be two users")
	}
	top, err := os.MkdirTemp("", "pw") // that of t.TempDir is root's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	dir, program = filepath.Join(top, "piway"), filepath.Join(top, "piway-agent")
	self, err := os.ReadFile(os.Args[0])
	if err := errors.Join(err, os.WriteFile(program, self, 0o755), os.Mkdir(dir, 0), os.Chmod(top, 0o755),
		os.Chown(dir, members, members), os.Chmod(dir, 0o775|os.ModeSetgid)); err != nil {
		t.Fatal(err)
	}
	return dir, program
}

// as runs the program as a user with groups, 0 for root.
func as(t *testing.T, uid uint32, groups []uint32, program string, args ...string) called {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.Dir = []string{asAgent + "=1", "PATH=/usr/bin:/bin"}, &out, &errOut, "/"
	if uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid, Groups: groups}}
	}
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return called{cmd.ProcessState.ExitCode(), out.String(), errOut.String()}
}

// Root and a member of the group replace each other's readings, and the agent may read both.
func TestPut_byRootAndByAMember(t *testing.T) {
	t.Parallel()
	dir, program := shared(t)
	for i, uid := range []uint32{0, nobody, 0, nobody} {
		value := string(rune('1' + i))
		got := as(t, uid, []uint32{members}, program, "put", "door", "Count", value, "--ttl", "1d", "--folder", dir)
		if got != (called{}) {
			t.Fatalf("user %d: got %+v", uid, got)
		}
		text, err := os.ReadFile(filepath.Join(dir, "door.json"))
		info, serr := os.Stat(filepath.Join(dir, "door.json"))
		if want := `{"name":"door","unit":"Count","value":` + value + `,"ttl":"1d"}` + "\n"; err != nil || serr != nil ||
			string(text) != want || info.Mode().Perm() != 0o644 {
			t.Errorf("user %d: got %q, %v, %v, want %q", uid, text, err, info.Mode(), want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("got %v, %v, want the one file", left, err)
	}
}

func TestPut_byAStranger(t *testing.T) {
	t.Parallel()
	dir, program := shared(t)
	got := as(t, nobody, nil, program, "put", "door", "Count", "1", "--folder", dir)
	if got.status != 1 || !strings.Contains(got.err, "writing to "+dir+": permission denied\n") ||
		!strings.Contains(got.err, "\ntry: sudo usermod -aG 65533 \"$USER\", then log in again\n") {
		t.Errorf("got %+v", got)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	got = as(t, nobody, []uint32{members}, program, "put", "door", "Count", "1", "--folder", dir)
	if got.status != 1 || !strings.Contains(got.err, "\ntry: sudo chgrp piway "+dir+" && sudo chmod 2775 "+dir+"\n") {
		t.Errorf("a folder that is not the group's: got %+v", got)
	}
}

// A file that the agent may not read is refused beside it, with what to do.
func TestOnce_mayNotReadAFile(t *testing.T) {
	t.Parallel()
	dir, program := shared(t)
	config := filepath.Join(filepath.Dir(dir), "agent.yaml")
	door := filepath.Join(dir, "door.json")
	if err := errors.Join(os.WriteFile(config, []byte("device: kitchen\ncollect: {folder: "+dir+"}\n"), 0o644),
		os.WriteFile(door, []byte(`{"name":"door","unit":"Count","value":1}`), 0o600)); err != nil {
		t.Fatal(err)
	}
	got := as(t, nobody, []uint32{members}, program, "once", "--config", config)
	text, err := os.ReadFile(door + ".refused")
	if got.status != 0 || strings.Contains(got.out, "door") || err != nil ||
		!strings.Contains(string(text), `the agent may not read it: chmod g+r \"door.json\"`) {
		t.Errorf("got %+v, %q, %v", got, text, err)
	}
	if err := os.Chmod(door, 0o640); err != nil {
		t.Fatal(err)
	}
	got = as(t, nobody, []uint32{members}, program, "once", "--config", config)
	if _, err := os.Stat(door + ".refused"); !strings.Contains(got.out, `"door"`) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after chmod: got %+v, %v", got, err)
	}
}

func TestPut_wrongUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for want, args := range map[string][]string{
		"no such file or directory":     {"put", "a", "Count", "1", "--folder", filepath.Join(dir, "none")},
		`did you mean "Percent"?`:       {"put", "a", "%", "1", "--folder", dir},
		`value "-1,5": decimal comma`:   {"put", "a", "None", "-1,5", "--folder", dir},
		"expected \"<value>\"":          {"put", "a", "Count", "--folder", dir},
		`ttl "x": must be seconds`:      {"put", "a", "Count", "1", "--ttl=x", "--folder", dir},
		"unexpected argument":           {"put", "a", "Count", "1", "2", "--folder", dir},
		"CloudWatch's range":            {"put", "a", "Count", "-1e300", "--folder", dir},
		"unknown flag --time":           {"put", "a", "Count", "1", "--time=1", "--folder", dir},
		"not printable ASCII, the only": {"put", "tür", "Count", "1", "--folder", dir},
	} {
		if got := call(t.Context(), args...); got.status != 1 || !strings.Contains(got.err, want) {
			t.Errorf("%q: got %+v, want %q", args, got, want)
		}
	}
}

// configureOwn is configure with a folder for own readings.
func configureOwn(t *testing.T, address string) (config, folder string) {
	t.Helper()
	config = configure(t, address)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	folder = filepath.Join(filepath.Dir(config), "own")
	with := strings.Replace(string(text), `folder: ""`, `folder: "`+folder+`"`, 1)
	if err := errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(config, []byte(with), 0o600)); err != nil {
		t.Fatal(err)
	}
	return config, folder
}

// What is put goes out with each report until it is taken away, among the agent's own readings.
func TestRun_ownReadings(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	b := fakebroker.New(t, nil)
	config, folder := configureOwn(t, b.Addr())
	process(t, config)
	value := func(r sample.Report) (v float64, ok bool) {
		i := slices.IndexFunc(r.Samples, func(s sample.Sample) bool { return s.Name == "freezer" })
		if i < 0 {
			return 0, false
		}
		if !slices.ContainsFunc(r.Samples, func(s sample.Sample) bool { return s.Name == "memory usage" }) ||
			!slices.IsSortedFunc(r.Samples, func(a, b sample.Sample) int { return int(1000 * (a.Time - b.Time)) }) {
			t.Errorf("got %+v, want all readings, oldest first", r.Samples)
		}
		return r.Samples[i].Value, true
	}
	for _, want := range []float64{-18.5, -19} {
		if got := call(ctx, "put", "freezer", "None", sample.FormatValue(want), "--folder", folder); got != (called{}) {
			t.Fatalf("got %+v", got)
		}
		times := 0
		reports(ctx, t, b, func(r sample.Report) bool {
			if v, ok := value(r); ok && v == want {
				times++
			}
			return times < 3
		})
	}
	if err := os.Remove(filepath.Join(folder, "freezer.json")); err != nil {
		t.Fatal(err)
	}
	reports(ctx, t, b, func(r sample.Report) bool {
		_, ok := value(r)
		return ok
	})
}

func TestCheck_andOnce_ownReadings(t *testing.T) {
	t.Parallel()
	b := fakebroker.New(t, nil)
	config, folder := configureOwn(t, b.Addr())
	for name, text := range map[string]string{
		"a.json": `{"name":"door","unit":"Count","value":1}`, "b\x1b.json": `{"name":"cpu usage","unit":"Percent","value":1}`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := call(t.Context(), "check", "--config", config)
	for _, want := range []string{
		`a.json: "door": 1 Count`, `b\x1b.json: REFUSED: name "cpu usage": the agent reads that itself`,
	} {
		if got.status != 0 || !strings.Contains(got.out, want) {
			t.Errorf("check: want %q in %+v", want, got)
		}
	}
	if all, err := os.ReadDir(folder); err != nil || len(all) != 2 {
		t.Errorf("check leaves %v, %v", all, err)
	}
	got = call(t.Context(), "once", "--config", config)
	if got.status != 0 || !strings.Contains(got.out, `{"name":"door","unit":"Count","value":1,"time":`) {
		t.Errorf("once: got %+v", got)
	}
	if _, err := os.Stat(filepath.Join(folder, "b\x1b.json.refused")); err != nil {
		t.Error(err)
	}
}

// The folder of the unit for systemd is the one that is read, and its group may write to it.
func TestUnit_makesTheFolder(t *testing.T) {
	t.Parallel()
	unit, err := os.ReadFile("../configs/systemd/piway-agent.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"Group=piway", "RuntimeDirectory=piway", "RuntimeDirectoryMode=2775", "RuntimeDirectoryPreserve=yes",
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).Match(unit) {
			t.Errorf("the unit lacks %s", line)
		}
	}
}

// shellBlock is a block of docs/scripts.md, between fences, that begins with a line.
func shellBlock(t *testing.T, first string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/scripts.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?ms)^```sh.*?\n(" + regexp.QuoteMeta(first) + ".*?)^```$").FindSubmatch(text)
	if m == nil {
		t.Fatalf("docs/scripts.md has no block that begins with %q", first)
	}
	return string(m[1])
}

// sh runs a script as it is documented, in another folder, with tools that stand in for a Pi's.
func sh(t *testing.T, script, folder string, tools map[string]string) (string, error) {
	t.Helper()
	bin := t.TempDir()
	self, err := filepath.Abs(os.Args[0])
	if err := errors.Join(err, os.Symlink(self, filepath.Join(bin, "piway-agent"))); err != nil {
		t.Fatal(err)
	}
	for name, text := range tools {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c",
		strings.NewReplacer("/run/piway", folder, "put door", "put --folder "+folder+" door").Replace(script))
	cmd.Env = []string{"PATH=" + bin + ":/usr/bin:/bin", asAgent + "=1"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// The two scripts of the documentation, each line as it stands there, give the agent a door.
func TestDocs_ownReadings(t *testing.T) {
	t.Parallel()
	door := shellBlock(t, "#!/bin/sh")
	if n := strings.Count(door, "\n"); n > 5 {
		t.Errorf("the door's script has %d lines:\n%s", n, door)
	}
	for first, tools := range map[string]map[string]string{
		"#!/bin/sh": {
			"pinctrl": `[ "$*" = "set 17 ip pu" ] || { [ "$*" = "lev 17" ] && echo 1; }`,
			"sleep":   `[ ! -e "$0.once" ] && : > "$0.once"`, // the second one ends the loop
		},
		"echo '{": {},
	} {
		config, folder := configureOwn(t, "localhost:1")
		if out, err := sh(t, shellBlock(t, first), folder, tools); out != "" || err != nil {
			t.Errorf("%s: got %q, %v", first, out, err)
		}
		got := call(t.Context(), "once", "--config", config)
		if got.status != 0 || !strings.Contains(got.out, `{"name":"door","unit":"Count","value":1,"time":`) {
			t.Errorf("%s: got %+v", first, got)
		}
	}
}
