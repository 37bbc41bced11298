package scenarios_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"piway/proof/world"

	"github.com/rogpeppe/go-internal/testscript"
)

// earlier is what the names of an earlier version's programs begin with.
const earlier = "earlier-"

// earlier puts the agent and the gateway of a commit on the PATH. It skips the scenario but in the long form, and where
// the source is not there.
func (s *scene) earlier(ts *testscript.TestScript, args []string) error {
	if !world.Long() {
		s.skip("builds an earlier version, which takes a minute: with PIWAY_LONG=1 only")
	}
	commit := args[0]
	if exec.CommandContext(s.ctx, "git", "cat-file", "-e", commit+"^{commit}").Run() != nil {
		s.skip("no git here that has the commit ", commit)
	}
	built, err := buildEarlier(s.ctx, commit)
	if err != nil {
		return err
	}
	for _, name := range []string{"agent", "gateway"} {
		if err := os.Symlink(filepath.Join(built, name), filepath.Join(s.bin(), earlier+name)); err != nil {
			return err
		}
	}
	ts.Logf("the earlier version is %s", commit)
	return nil
}

// buildEarlier builds a commit's programs, in a folder of the user's cache where it finds them the next time.
func buildEarlier(ctx context.Context, commit string) (dir string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, "piway-proof", "earlier-"+commit)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "earlier-*.tmp")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work) //nolint:errcheck // of a cache
	source, out := filepath.Join(work, "source"), filepath.Join(work, "out")
	script := strings.Join([]string{
		`mkdir "$2" "$3"`,
		`git -C "$(git rev-parse --show-toplevel)" archive -o "$2.tar" "$1"`,
		`tar -xf "$2.tar" -C "$2"`,
		`cd "$2" && go build -o "$3" ./agent ./gateway`,
	}, " && ")
	cmd := exec.CommandContext(ctx, "sh", "-c", script, "sh", commit, source, out)
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w: %s", commit, err, said)
	}
	if err := os.Rename(out, dir); err != nil && !os.IsExist(err) { // another process was faster
		return "", err
	}
	return dir, nil
}
