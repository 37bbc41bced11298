package rig

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// Build makes the programs agent, gateway and localcore in a folder and returns their paths. It needs the module's
// source as the working folder, or below it.
func Build(ctx context.Context, dir string) (agent, gateway, localcore string, err error) {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", dir, "piway/agent", "piway/gateway", "piway/localcore") //nolint:gosec // the folder is the caller's
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return "", "", "", fmt.Errorf("building the programs: %w: %s", err, out.String())
	}
	return filepath.Join(dir, "agent"), filepath.Join(dir, "gateway"), filepath.Join(dir, "localcore"), nil
}

// Poll asks until it is so, for what tells nobody when it changes.
func Poll(ctx context.Context, what string, so func() (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := so()
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		}
	}
}
