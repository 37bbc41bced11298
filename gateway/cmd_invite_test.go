package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"piway/gateway/datadir"
	"piway/shared/cli"
	"piway/shared/pairing"
	"piway/shared/pki"
)

// say runs a command beside a gateway that does not run.
func (d deviceLine) say(args ...string) (out, errs string, err error) {
	var o, e bytes.Buffer
	err = program().Run(d.t.Context(), append(args, "--config", d.path("gateway.yaml")), cli.Streams{Out: &o, Err: &e})
	return o.String(), e.String(), err
}

// Each line can be pasted as it is, and is that of the gateway that will start here, where it says that it is.
func TestInvite(t *testing.T) {
	d := newDeviceLine(t)
	d.do("add", "porch")
	out, errs, err := d.say("invite", "kitchen", "attic")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^sudo piway-agent join (piw1\.\S+) # (kitchen|attic)$`).FindAllStringSubmatch(out, -1)
	if len(lines) != 2 || strings.Count(out, "\n") != 2 {
		t.Fatalf("got %q", out)
	}
	ca, _, err := d.say("ca")
	if err != nil {
		t.Fatal(err)
	}
	authority, err := pki.OpenAuthority(datadir.PKI(d.dir), nil)
	if block, rest := pem.Decode([]byte(ca)); err != nil || block == nil || len(rest) > 0 || ca != string(authority.PEM()) {
		t.Errorf("got %q, %v", ca, err)
	}
	token, err := pairing.ParseToken(lines[0][1])
	if err != nil || token.Pin != authority.Pin() || len(token.Addresses) != 1 || token.Addresses[0] != "gw.example:8883" {
		t.Errorf("got %v, %v", token.Addresses, err)
	}
	for _, want := range []string{
		"does not run", "within an hour", fmt.Sprintf("action=invite device=kitchen by_uid=%d", os.Geteuid()),
		fmt.Sprintf("by_pid=%d", os.Getpid()),
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("no %q in %q", want, errs)
		}
	}
	if strings.Contains(errs, "piw1.") {
		t.Errorf("a secret is in the log: %s", errs)
	}
	var all []map[string]string
	if out, _, err = d.say("invite", "porch", "--replace", "--json"); err != nil || json.Unmarshal([]byte(out), &all) != nil ||
		len(all) != 1 || all[0]["device"] != "porch" || all[0]["command"] != "sudo piway-agent join "+all[0]["token"] {
		t.Errorf("got %q, %v", out, err)
	}
	if out, _, err = d.say("invite", "cellar"); err != nil || strings.Contains(out, "#") {
		t.Errorf("one alone: got %q, %v", out, err)
	}
	for args, want := range map[string]string{
		"invite porch":           "try: piway-gateway invite porch --replace",
		"invite bath attic/x":    "a device name is",
		"invite bath --replace":  "no device of this name",
		"invite bath bath":       "bath is there twice",
		"invite":                 "name",
		"device revoke nobody":   "no device of this name",
		"device revoke cellar":   "no device of this name",
		"device password cellar": "no device of this name",
	} {
		if out, _, err := d.say(strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("%s: got %q, %v, want %q", args, out, err, want)
		}
	}
}

// What is listed says how each gets in and where it stands, and warns of who may be listened to.
func TestDeviceList(t *testing.T) {
	d := newDeviceLine(t)
	d.do("add", "plug", "--plain")
	d.do("add", "garden")
	d.do("add", "lost")
	if got := d.do("revoke", "lost"); got != "lost revoked\n" {
		t.Errorf("got %q", got)
	}
	if _, _, err := d.say("invite", "attic"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.say("invite", "garden", "--replace"); err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`[0-9a-f]{32}`).ReplaceAllString(d.do("list"), "ID")
	got = regexp.MustCompile(` +`).ReplaceAllString(got, " ")
	want := `device id kind last seen address version state
attic - - - - - invited (60 min)
garden ID password - - - offline, invited (60 min)
lost ID - - - - revoked
plug ID plain - - - offline
warning: plug: it may speak without TLS, and then its password and readings cross the LAN in clear, ` +
		"try: piway-gateway invite plug --replace, unless its firmware knows no TLS\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	var all []map[string]any
	if err := json.Unmarshal([]byte(d.do("list", "--json")), &all); err != nil || len(all) != 4 ||
		all[0]["state"] != "invited" || all[1]["invited_s"] == nil || all[3]["warning"] == nil || all[2]["warning"] != nil {
		t.Errorf("got %v, %v", all, err)
	}
	d.do("remove", "attic")
	if text := d.do("list"); strings.Contains(text, "attic") {
		t.Errorf("withdrawn, and there: %s", text)
	}
}
