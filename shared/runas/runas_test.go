package runas_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"piway/shared/cli"
	"piway/shared/runas"
)

// TestMain is also the program that is run again.
func TestMain(m *testing.M) {
	if os.Getenv("PIWAY_AGAIN") != "" {
		tty, err := os.Open("/dev/tty")
		fmt.Println(os.Getuid(), os.Getgid(), os.Args[1:], os.Getenv("AWS_SECRET_ACCESS_KEY"), tty != nil, err != nil)
		fmt.Fprintln(os.Stderr, "said")
		os.Exit(len(os.Args) - 1)
	}
	os.Exit(m.Run())
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user")
	}
}

const nobody = 65534

func TestAgain(t *testing.T) {
	needRoot(t)
	t.Setenv("PIWAY_AGAIN", "1")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "root's own")
	var out, said bytes.Buffer
	u := &runas.User{UID: nobody, GID: nobody}
	// A test's program may be where only root reads: the descriptor is enough.
	ran, err := runas.Again(t.Context(), u, cli.Streams{Out: &out, Err: &said}, "a", "b")
	if !ran {
		t.Skip("the test's program is not for other users to run")
	}
	if status := (cli.Program{Name: "x"}).Status(err, &said); status != 2 {
		t.Errorf("got status %d, %v, want 2", status, err)
	}
	if want := "65534 65534 [a b]  false true\n"; out.String() != want || said.String() != "said\n" {
		t.Errorf("got %q and %q, want %q", &out, &said, want)
	}
	if ran, err = runas.Again(t.Context(), u, cli.Streams{Out: &out, Err: &said}); !ran || err != nil {
		t.Errorf("success: got %t, %v", ran, err)
	}
	if told, ok := errors.AsType[cli.Told](err); ok {
		t.Errorf("success: told %v", told)
	}
}

func TestService(t *testing.T) {
	dir := t.TempDir()
	none, roots, its := filepath.Join(dir, "none"), filepath.Join(dir, "root"), filepath.Join(dir, "its")
	for _, d := range []string{roots, its} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() != 0 {
		if u := runas.Service("nobody", none, none); u != nil {
			t.Errorf("without root: got %+v", u)
		}
		return
	}
	if err := os.Chown(its, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		account, store, folder string
		uid                    int
	}{
		{"", its, roots, nobody},
		{"", none, its, nobody},
		{"root", roots, its, -1}, // root has run it
		{"nobody", none, none, nobody},
		{"nobody", none, roots, nobody},
		{"no-such-user", none, roots, -1},
		{"", none, none, -1},
	} {
		got := -1
		if u := runas.Service(c.account, c.store, c.folder); u != nil {
			got = int(u.UID)
		}
		if got != c.uid {
			t.Errorf("%+v: got %d", c, got)
		}
	}
}
