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
	"piway/gateway/devices"
	"piway/shared/cli"
	"piway/shared/clock"
	"piway/shared/config"
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
		"try: piway-gateway invite plug --replace for an agent; device remove and device add for a script " +
		"(docs/scripts.md); nothing where the firmware knows no TLS\n"
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

// A token in a file is for a program that starts both: said again it changes nothing that is done.
func TestInvite_file(t *testing.T) {
	d := newDeviceLine(t)
	file := d.path("token")
	read := func() string {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
			t.Errorf("got %v, %v", info, err)
		}
		return strings.TrimSpace(string(text))
	}
	invite := func(name string, more ...string) string {
		t.Helper()
		out, _, err := d.say(append([]string{"invite", name, "--token-file", file}, more...)...)
		if err != nil || strings.Contains(out, "piw1.") {
			t.Fatalf("got %q, %v", out, err)
		}
		return read()
	}
	if err := os.WriteFile(file, []byte("somebody's"), 0o644); err != nil {
		t.Fatal(err)
	}
	first := invite("kitchen", "--keep")
	second := invite("kitchen", "--keep") // nobody has joined
	token, err := pairing.ParseToken(second)
	if err != nil || first == second {
		t.Fatalf("got %q, %v", second, err)
	}
	list, err := devices.Open(datadir.Devices(d.dir))
	if err != nil {
		t.Fatal(err)
	}
	now := devices.Moment{Wall: clock.Now(), Right: true, SinceBoot: clock.SinceBoot(), Boot: clock.BootID()}
	if _, err := list.Join(token.ID, token.Secret, pki.Sum{1}, now); err != nil {
		t.Fatal(err)
	}
	if got := invite("kitchen", "--keep"); got != second {
		t.Error("who has joined is invited again")
	}
	if got := invite("kitchen", "--replace"); got == second {
		t.Error("the file is the old one")
	}
	before := read()
	d.do("revoke", "kitchen")
	if got := invite("kitchen", "--keep"); got != before {
		t.Error("who was revoked is invited again")
	}
	d.do("add", "porch")
	if got := invite("porch", "--keep"); got == before {
		t.Error("who has a password brings no key")
	}
	for args, want := range map[string]string{
		"invite a --keep":                             "--token-file FILE",
		"invite a b --token-file " + file:             "one device",
		"invite a --json --token-file " + file:        "one device",
		"invite a --token-file " + file + "/no/token": "writing the token",
		"invite porch --token-file " + file:           "try: piway-gateway invite porch --replace",
	} {
		if out, _, err := d.say(strings.Fields(args)...); err == nil || !strings.Contains(fmt.Sprint(err, config.Hint(err)), want) {
			t.Errorf("%s: got %q, %v, want %q", args, out, err, want)
		}
	}
	if text := d.do("list"); strings.Contains(text, "\na ") {
		t.Errorf("invited without a token: %s", text)
	}
}
