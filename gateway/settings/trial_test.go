package settings_test

import (
	"testing"

	"piway/gateway/settings"
)

// What a trial changes can be taken back, without a memory of what was before.
func TestConfig_trial(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*settings.Uplink){
		"defaults":   func(*settings.Uplink) {},
		"emf":        func(u *settings.Uplink) { u.Form = "emf" },
		"own folder": func(u *settings.Uplink) { u.Certs.Dir = "certs" },
		"own rule":   func(u *settings.Uplink) { u.Rule = "mine" },
		"own topic":  func(u *settings.Uplink) { u.Topic = "a/b" },
	} {
		before := settings.Default()
		change(&before.Uplink)
		on := before.ForTrial(8885)
		if err := on.Validate(); err != nil || !on.OnTrial() || on.TrialPort() != 8885 || on.Uplink.Doubt() != nil {
			t.Errorf("%s: got %+v, %v, want a trial", name, on.Uplink, err)
		}
		if again := on.ForTrial(8895); again.TrialPort() != 8895 || again.Uplink.Certs.Dir != on.Uplink.Certs.Dir {
			t.Errorf("%s: got %+v, want another port only", name, again.Uplink)
		}
		off := on.WithoutTrial()
		if got, want := off.TrialKeys(), before.TrialKeys(); off.OnTrial() || got[0] != want[0] || got[1] != want[1] ||
			got[2] != want[2] {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	for _, endpoint := range []string{
		"", "abc-ats.iot.eu-west-1.amazonaws.com", "localhost:8883", "192.168.1.2:8885", "127.0.0.1:x",
	} {
		c := settings.Default()
		c.Uplink.Endpoint, c.Uplink.Certs.Dir = endpoint, "/etc/piway/certs/try"
		if c.OnTrial() || c.CloudName() != "AWS" {
			t.Errorf("%s: got a trial", endpoint)
		}
	}
	c := settings.Default()
	c.Uplink.Endpoint = "127.0.0.1:8883" // somebody's own localcore
	if c.OnTrial() || c.WithoutTrial().Uplink.Endpoint == "" {
		t.Error("got another localcore taken for a trial")
	}
}
