package main

import (
	"os"
	"strings"
	"testing"

	"piway/shared/config"
)

// Where nothing is set up, to start the service would not help.
func TestNotSetUp(t *testing.T) {
	d := newDeviceLine(t)
	for endpoint, want := range map[string]string{
		"":                                    "sudo piway-gateway try, or sudo -E piway-gateway aws setup",
		"abc-ats.iot.us-east-1.amazonaws.com": "sudo systemctl start piway-gateway",
	} {
		text := "uplink: {rule: piway_metric, endpoint: '" + endpoint + "'}\ndata: {dir: " + d.dir + "}\n"
		if err := os.WriteFile(d.path("gateway.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"health", "ledger"} {
			_, _, err := d.say(command)
			if err == nil || !strings.Contains(err.Error(), d.dir) || !strings.HasPrefix(config.Hint(err), want) {
				t.Errorf("%s, endpoint %q: got %v, want to try %s", command, endpoint, err, want)
			}
		}
		_, note, err := d.say("invite", "kitchen")
		if err != nil || !strings.Contains(note, "the gateway does not run; first "+want) {
			t.Errorf("invite, endpoint %q: got %q, %v, want first %s", endpoint, note, err, want)
		}
	}
}
