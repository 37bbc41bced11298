package agent

import "testing"

func TestPassword_notBesideAKey(t *testing.T) {
	t.Parallel()
	cfg := Default()
	cfg.Device, cfg.Gateway.Password, cfg.Gateway.Username = "kitchen", "hush", "me"
	if cfg.password() != "hush" || cfg.Username() != "me" {
		t.Errorf("got %q, %q", cfg.Username(), cfg.password())
	}
	cfg.Gateway.KeyFile = "/key"
	if cfg.password() != "" || cfg.Username() != "kitchen" {
		t.Errorf("with a key: got %q, %q, want the name of the topics and no password", cfg.Username(), cfg.password())
	}
}
