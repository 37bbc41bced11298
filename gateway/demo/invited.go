package demo

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"piway/agent/agent"
	"piway/agent/join"
	"piway/gateway/gateway"
	"piway/shared/config"
)

// An invited agent has a token, and joins by it when it runs.
type invited struct {
	name, token, file string
	cfg               agent.Config
}

// invite invites n agents, the first under this machine's name, and writes their configurations to dir.
func invite(ctx context.Context, g *gateway.Gateway, dir string, n int) ([]*invited, error) {
	var names []string
	for i := range n {
		name := agent.Default().Name()
		if name == "" || i > 0 {
			name = fmt.Sprintf("demo-pi-%d", i+1)
		}
		names = append(names, name)
	}
	tokens, err := g.Invite(ctx, names, false)
	if err != nil {
		return nil, err
	}
	var all []*invited
	for _, t := range tokens {
		a := &invited{name: t.Device, token: t.Token, file: filepath.Join(dir, "agent-"+t.Device, "agent.yaml")}
		if err := a.configure(); err != nil {
			return nil, fmt.Errorf("writing the configuration of an agent: %w", err)
		}
		all = append(all, a)
	}
	return all, nil
}

// configure writes what joining leaves as it is: the pace, that nothing outlives the demo, and that the machine's own
// readings are nothing for it.
func (a *invited) configure() error {
	text := fmt.Sprintf("collect: {interval: %s, folder: \"\"}\nspool: {dir: \"\"}\n", Interval)
	if err := os.Mkdir(filepath.Dir(a.file), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(a.file, []byte(text), 0o600); err != nil {
		return err
	}
	return a.load()
}

func (a *invited) load() error {
	a.cfg = agent.Default()
	return config.Load(a.file, &a.cfg)
}

// atATime is how many agents pair at a time. All have one address, which has 16 places for who has not logged in.
const atATime = 8

// run is an agent's life: it pairs, when it is its turn, and reports.
func (a *invited) run(ctx context.Context, turns chan struct{}, log *slog.Logger) error {
	err := a.join(ctx, turns, log)
	if ctx.Err() != nil {
		return nil // the demo is over
	}
	if err != nil {
		return fmt.Errorf("pairing %s: %w", a.name, err)
	}
	if err := a.load(); err != nil {
		return err
	}
	return agent.Run(ctx, a.cfg, log)
}

// join pairs, and again as a person would whose connection had to make room: each time goes on where the last one ended.
func (a *invited) join(ctx context.Context, turns chan struct{}, log *slog.Logger) (err error) {
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
	case <-ctx.Done():
		return ctx.Err()
	}
	const tries = 3
	for range tries {
		err = join.Join(ctx, join.Options{Token: a.token, Config: a.file, Out: io.Discard, Log: log})
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}
