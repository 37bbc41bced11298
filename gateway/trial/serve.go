package trial

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"piway/gateway/settings"
	"piway/gateway/where"
	"piway/localcore/localcore"
	"piway/shared/config"
	"piway/shared/pki"
)

// Serve is localcore for a gateway on trial, until ctx ends. It has the rules and the policy that `aws setup` would install
// for this configuration, and needs nothing but to read that and the certificates.
func Serve(ctx context.Context, path string, log *slog.Logger) (err error) {
	cfg, err := settings.Load(path)
	if err != nil {
		return err
	}
	if !cfg.OnTrial() {
		return config.NotSetUp(config.Try(errors.New("this gateway is not on trial"), "sudo piway-gateway try"))
	}
	if _, err := pki.Find(cfg.Uplink.Certs.Dir); err != nil {
		return config.Try(fmt.Errorf("uplink.certs: %w", err), "sudo piway-gateway try")
	}
	dir, err := os.MkdirTemp("", "piway-try-")
	if err != nil {
		return fmt.Errorf("making a folder for the rules: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	stand, err := standIn(&cfg, dir)
	if err != nil {
		return err
	}
	core, err := localcore.Open(ctx, stand, log)
	if err != nil {
		return config.Try(err, "sudo piway-gateway try --port ANOTHER")
	}
	return core.Run(ctx)
}

// standIn is localcore's configuration, with its files in dir.
func standIn(cfg *settings.Config, dir string) (localcore.Config, error) {
	stand := localcore.Default()
	names := cfg.Cloud()
	names.Account, names.Region = stand.Account, stand.Region
	port := cfg.TrialPort()
	stand.Listen, stand.HTTP, stand.ReadOnly = brokerAddress(port), pageAddress(port), true
	stand.Certs, stand.Hosts = cfg.Uplink.Certs.Dir, where.Hosts(nil)
	write := func(name string, text []byte) (string, error) {
		path := filepath.Join(dir, name)
		return path, os.WriteFile(path, text, 0o600)
	}
	policy, err := write("policy.json", names.Policy())
	if err != nil {
		return stand, err
	}
	stand.Policies = []string{policy}
	for name, text := range names.Rules() {
		rule, err := write(name+".json", text)
		if err != nil {
			return stand, err
		}
		stand.Rules = append(stand.Rules, rule)
	}
	return stand, nil
}
