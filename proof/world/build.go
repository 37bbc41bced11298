package world

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Programs are the paths of the programs.
type Programs struct{ Agent, Gateway, Localcore string }

// Build makes the three programs of the module in which it is called, in a folder of the user's cache: those of an
// unchanged source are there already.
func Build(ctx context.Context) (Programs, error) {
	p, _, err := build(ctx, "dynamic", nil)
	return p, err
}

// BuildStatic makes programs that need no C library, and one more of the module's packages.
func BuildStatic(ctx context.Context, more string) (p Programs, extra string, err error) {
	p, dir, err := build(ctx, "static", []string{"CGO_ENABLED=0"}, "-trimpath", "-ldflags", "-s -w", more)
	return p, filepath.Join(dir, filepath.Base(more)), err
}

func build(ctx context.Context, kind string, env []string, more ...string) (p Programs, dir string, err error) {
	module, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return p, "", fmt.Errorf("building the programs: %w", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return p, "", err
	}
	dir = filepath.Join(cache, "piway-proof", fmt.Sprintf("%x-%s", sha256.Sum256(module), kind))
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return p, "", err
	}
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return p, "", err
	}
	defer unlock()
	args := append([]string{"build", "-o", dir}, append(more, "piway/agent", "piway/gateway", "piway/localcore")...)
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the folder and the packages are ours
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return p, "", fmt.Errorf("building the programs: %w: %s", err, out)
	}
	return Programs{filepath.Join(dir, "agent"), filepath.Join(dir, "gateway"), filepath.Join(dir, "localcore")}, dir, nil
}

// lock waits until no other process has it.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil // which unlocks it
}

// LookTool finds a program that may not be on the PATH of everybody; "" if there is none.
func LookTool(name string) string {
	for _, path := range []string{name, "/usr/sbin/" + name} {
		found, err := exec.LookPath(path)
		if err == nil || errors.Is(err, exec.ErrDot) {
			return found
		}
	}
	return ""
}
