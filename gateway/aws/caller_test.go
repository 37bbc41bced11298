package aws

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"piway/gateway/cloud"
	"piway/shared/config"
)

func home(t *testing.T, login bool) string {
	t.Helper()
	dir := t.TempDir()
	if login {
		if err := os.Mkdir(filepath.Join(dir, ".aws"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Whose login it is, with HOME as sudo leaves it: root's own goes before, and where there is none it is the caller's.
func TestCaller_whose(t *testing.T) {
	me := user.User{Uid: "1000", Gid: "1000", Username: "me", HomeDir: home(t, true)}
	nobody := me
	nobody.HomeDir = home(t, false)
	admin := me
	admin.Uid = "0"
	for _, c := range []struct {
		name string
		who  user.User
		home string
		want bool
	}{
		{"sudo", me, home(t, false), true},
		{"sudo -E", me, me.HomeDir, true},
		{"sudo -E, keys in the environment", nobody, nobody.HomeDir, true},
		{"sudo, and root is logged in", me, home(t, true), false},
		{"sudo, and nobody is logged in", nobody, home(t, false), false},
		{"root called sudo", admin, home(t, false), false},
	} {
		got := callerOf(&c.who, c.home)
		if (got != nil) != c.want || got != nil && (got.Home != c.who.HomeDir || got.UID != 1000) {
			t.Errorf("%s: got %+v, want the caller: %t", c.name, got, c.want)
		}
	}
	if got := callerOf(&user.User{Uid: "none", HomeDir: me.HomeDir}, me.HomeDir); got != nil {
		t.Errorf("got %+v of a user id that is none", got)
	}
	if got := CallerOf(func(string) string { return "" }); got != nil {
		t.Errorf("got %+v, want nobody without sudo", got)
	}
}

// Under sudo the tool is not root: it reads the caller's login, and what it writes stays theirs.
func TestCLI_runsAsTheCaller(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user")
	}
	const uid = 65534
	open := t.TempDir()
	for dir := open; dir != "/"; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode()&0o005 == 0o005 {
			continue
		}
		if dir != open && dir != filepath.Dir(open) { // those two are the test's own
			t.Skip("other users cannot get to the test's files, because of ", dir)
		}
		if err := os.Chmod(dir, info.Mode()|0o055); err != nil {
			t.Fatal(err)
		}
	}
	me := filepath.Join(open, "me")
	own := filepath.Join(me, ".local", "bin")
	if err := os.MkdirAll(own, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(me, uid, uid); err != nil {
		t.Fatal(err)
	}
	const tool = "#!/bin/sh\necho \"$(/usr/bin/id -u) $HOME $AWS_MAX_ATTEMPTS $*\"; : >\"$HOME/cache\"\n"
	if err := os.WriteFile(filepath.Join(own, "aws"), []byte(tool), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", open) // sudo's, without the caller's own folders
	t.Setenv("AWS_MAX_ATTEMPTS", "")
	var shown bytes.Buffer
	cli := CLI{
		As: &Caller{Name: "me", Home: me, UID: uid, GID: uid}, Show: func(line string) { shown.WriteString(line) },
	}
	out, err := cli.Run(context.Background(), "AWS", cloud.NewCommand("sts", "get-caller-identity"))
	if want := fmt.Sprintf("%d %s 10 sts get-caller-identity\n", uid, me); err != nil || string(out) != want {
		t.Errorf("got %q, %v, want %q", out, err, want)
	}
	info, err := os.Stat(filepath.Join(me, "cache"))
	if err != nil {
		t.Fatal(err)
	}
	if uidOf(info) != uid {
		t.Errorf("got a file of %d in the caller's home", uidOf(info))
	}
	template := filepath.Join(open, "template")
	if err := os.WriteFile(template, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cli.Give(template); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(template); err != nil || uidOf(info) != uid {
		t.Errorf("got %v, %v, want the template readable by the tool", info, err)
	}

	// One that the caller may not run, such as root's own.
	if err := os.WriteFile(filepath.Join(open, "aws"), []byte(tool), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := cli.Run(context.Background(), "AWS", cloud.NewCommand("sts")); err == nil ||
		!strings.Contains(config.Hint(err), "apt install awscli") {
		t.Errorf("got %v, want a tool that the caller may run", err)
	}
}

func uidOf(info os.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Uid } //nolint:forcetypeassert // of a file of the system
