package foreign_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"piway/gateway/datadir"
	"piway/shared/pki"
)

// The recipe's script as it stands in the field: it finds its three files by their names, which AWS gave them.
const recipe = `#!/bin/sh
certs=$1
ca=$(find "$certs" -name '*root*' -o -name '*Root*')
cert=$(find "$certs" -name '*certificate.pem.crt')
key=$(find "$certs" -name '*private.pem.key')
mosquitto_pub --cafile "$ca" --cert "$cert" --key "$key" -h "$2" -p "$3" --tls-version tlsv1.2 -q 1 -i "$4" \
  -t raspi/metrics -m "$5"
`

// A home is that of a user on a Pi who once spoke to AWS: a folder of certificates of AWS's, of which the root is
// replaced by what the gateway prints.
type home struct {
	*scriptRig

	dir, certs, ca, cert, key, host, port string
}

func newHome(t *testing.T) *home {
	t.Helper()
	h := &home{scriptRig: newScriptRig(t), dir: t.TempDir()}
	h.certs = filepath.Join(h.dir, "certs")
	if err := pki.MakeAWS(h.certs, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"client-ca.pem", "server.pem.crt", "server.pem.key"} { // a Pi has none of these
		if err := os.Remove(filepath.Join(h.certs, name)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := pki.ReadCA(datadir.PKI(h.data))
	if err != nil {
		t.Fatal(err)
	}
	h.ca = filepath.Join(h.certs, "AmazonRootCA1.pem")
	if err := os.WriteFile(h.ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	h.cert, h.key = h.one("*-certificate.pem.crt"), h.one("*-private.pem.key")
	if h.host, h.port, err = net.SplitHostPort(h.gateway.AddrTLS().String()); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *home) one(pattern string) string {
	h.t.Helper()
	found, err := filepath.Glob(filepath.Join(h.certs, pattern))
	if err != nil || len(found) != 1 {
		h.t.Fatal(found, err)
	}
	return found[0]
}

// options puts the user's own ones where mosquitto's programs look for them.
func (h *home) options(lines ...string) {
	h.t.Helper()
	folder := filepath.Join(h.dir, ".config")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		h.t.Fatal(err)
	}
	for _, name := range []string{"mosquitto_pub", "mosquitto_sub"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
}

// command is one of the user's.
func (h *home) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(h.t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "HOME="+h.dir, "XDG_CONFIG_HOME="+filepath.Join(h.dir, ".config"))
	return cmd
}

func message(name string) string {
	return fmt.Sprintf(`{"name":%q,"unit":"None","value":"1"}`, name+" (pi1)")
}

// wantDatum waits for that of a message.
func (h *home) wantDatum(name string) {
	h.t.Helper()
	if d := h.datum(); d.Name != name+" (pi1)" {
		h.t.Errorf("got %+v, want %s", d, name)
	}
}

// The recipe's script works unchanged but for its host: with AWS's certificate, which says nothing here, and the
// password among the user's options. Without the password it is refused.
func TestTLS_recipe(t *testing.T) {
	h := newHome(t)
	script := filepath.Join(h.dir, "script.sh")
	if err := os.WriteFile(script, []byte(recipe), 0o700); err != nil {
		t.Fatal(err)
	}
	run := func(name string) error {
		out, err := h.command(script, h.certs, h.host, h.port, name, message(name)).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	if err := run("no password"); err == nil || !strings.Contains(err.Error(), "not authorised") {
		t.Errorf("without a password: got %v", err)
	}
	h.options("-u pi1", "-P "+h.password)
	if err := run("recipe"); err != nil {
		t.Fatal(err)
	}
	h.wantDatum("recipe")
}

// mosquitto's programs at their defaults, without a certificate of their own and with one; another authority than the
// gateway's makes them stop.
func TestTLS_mosquitto(t *testing.T) {
	h := newHome(t)
	h.options("-u pi1", "-P "+h.password)
	base := []string{"--cafile", h.ca, "-h", h.host, "-p", h.port, "-q", "1"}
	foreign := []string{"--cert", h.cert, "--key", h.key}

	sub := h.command("stdbuf", append(append(append([]string{"-oL", "mosquitto_sub"}, base...), foreign...), "-d", "-i", "watch", "-t", "pi/pi1/rejected", "-C", "1")...)
	out, err := sub.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	sub.Env = append(sub.Env, "LC_ALL=C")
	if err := sub.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for subscribed := false; !subscribed && lines.Scan(); {
		subscribed = strings.Contains(lines.Text(), "Subscribed (mid")
	}

	for name, more := range map[string][]string{
		"by a password": nil, "by a password and a foreign certificate": foreign,
		"by TLS 1.2": {"--tls-version", "tlsv1.2"}, "by TLS 1.3": {"--tls-version", "tlsv1.3"},
		"by ALPN": {"--tls-alpn", "mqtt"}, "by AWS's ALPN": append(foreign, "--tls-alpn", "x-amzn-mqtt-ca"),
	} {
		args := append(append(append([]string{}, base...), more...), "-i", name, "-t", "raspi/metrics", "-m", message(name))
		if out, err := h.command("mosquitto_pub", args...).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v: %s", name, err, out)
			continue
		}
		h.wantDatum(name)
	}

	bad := append(append([]string{}, base...), "-i", "bad", "-t", "raspi/metrics", "-m", `{"name":"bad (pi1)","unit":"None","value":""}`)
	if out, err := h.command("mosquitto_pub", bad...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	refused := ""
	for lines.Scan() {
		refused += lines.Text() + "\n"
	}
	if err := sub.Wait(); err != nil || !strings.Contains(refused, "bad (pi1)") {
		t.Errorf("mosquitto_sub: %v: %s", err, refused)
	}

	other := filepath.Join(t.TempDir(), "other")
	if err := pki.MakeAWS(other, nil); err != nil {
		t.Fatal(err)
	}
	wrong := []string{"--cafile", filepath.Join(other, "AmazonRootCA1.pem"), "-h", h.host, "-p", h.port, "-t", "raspi/metrics", "-m", "x"}
	if out, err := h.command("mosquitto_pub", wrong...).CombinedOutput(); err == nil {
		t.Errorf("another authority's certificate is taken: %s", out)
	}
}

// paho publishes by TLS with a password, beside a foreign certificate and without one. Its arguments are what it needs.
const paho = `
import ssl, sys
import paho.mqtt.client as mqtt
host, port, ca, cert, key, user, password, text = sys.argv[1:]
try:
    c = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="paho")
except AttributeError:
    c = mqtt.Client(client_id="paho")
c.tls_set(ca_certs=ca, certfile=cert or None, keyfile=key or None)
c.username_pw_set(user, password)
c.connect(host, int(port))
c.loop_start()
i = c.publish("raspi/metrics", text, qos=1)
i.wait_for_publish(30)
c.disconnect()
c.loop_stop()
sys.exit(0 if i.is_published() else 1)
`

func TestTLS_paho(t *testing.T) {
	python := "/usr/bin/python3" // Debian's, which has python3-paho-mqtt
	if err := exec.CommandContext(t.Context(), python, "-c", "import paho.mqtt.client").Run(); err != nil {
		t.Skip("paho is not installed; on Debian it is python3-paho-mqtt")
	}
	h := newHome(t)
	for name, files := range map[string][2]string{"password": {}, "foreign": {h.cert, h.key}} {
		out, err := h.command(python, "-c", paho, h.host, h.port, h.ca, files[0], files[1], "pi1", h.password,
			message(name)).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		h.wantDatum(name)
	}
}
