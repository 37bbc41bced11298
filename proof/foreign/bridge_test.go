package foreign_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"piway/localcore/cloudwatch"
	"piway/localcore/localcore"
	"piway/proof/world"
	"piway/shared/pki"
)

// A bridge of Debian's mosquitto at its defaults tries a protocol level of its own, has a will that it cannot be rid
// of, and tells its state with QoS 1 and retained below $SYS before all else. Its readings come through all the same.
func TestBridge_toTheGateway(t *testing.T) {
	r := newScriptRig(t)
	port := bridge(t, r.gateway.Addr().String(), "remote_username pi1", "remote_password "+r.password)
	publishTo(t, port)
	want := "disk usage / (pi1)"
	if d := r.datum(); d.Name != want || d.Value != 12.5 {
		t.Errorf("got %+v, want %s", d, want)
	}
}

func TestBridge_toLocalcore(t *testing.T) {
	t.Parallel()
	datums := make(chan cloudwatch.Datum, 10)
	endpoint, certs := world.Core(t, localcore.Config{OnDatum: func(d cloudwatch.Datum) { datums <- d }})
	files, err := pki.Find(certs)
	if err != nil {
		t.Fatal(err)
	}
	_, to, err := net.SplitHostPort(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	port := bridge(t, "localhost:"+to,
		"bridge_cafile "+files.Roots[0], "bridge_certfile "+files.Cert, "bridge_keyfile "+files.Key)
	publishTo(t, port)
	select {
	case d := <-datums:
		if d.Name != "disk usage / (pi1)" || d.Value != 12.5 {
			t.Errorf("got %+v", d)
		}
	case <-time.After(scriptsPatience):
		t.Fatal("no datum came")
	}
}

// Discovery messages and wills of other software go nowhere, and mosquitto_pub is content.
func TestScripts_mosquittoPub_deniedTopics(t *testing.T) {
	r := newScriptRig(t)
	host, port, err := net.SplitHostPort(r.gateway.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for qos := range 3 {
		out, err := exec.CommandContext(t.Context(), r.tool, "-h", host, "-p", port, "-u", "pi1", "-P", r.password, "-r",
			"-q", fmt.Sprint(qos), "-t", "homeassistant/sensor/pi1/config", "-i", "pi1", "-m", "{}",
			"--will-topic", "tele/pi1/LWT", "--will-payload", "Offline", "--will-retain", "--will-qos", "1").CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("QoS %d: mosquitto_pub: %v: %s", qos, err, out)
		}
	}
	r.publish(`{"name": "cpu usage (pi1)", "unit": "Percent", "value": "12.5"}`)
	if d := r.datum(); d.Name != "cpu usage (pi1)" {
		t.Errorf("got %+v", d)
	}
}

// bridge runs a mosquitto that bridges to an address, with as few settings as that takes, and returns its port.
func bridge(t *testing.T, address string, settings ...string) string {
	t.Helper()
	server := world.Tool(t, "mosquitto")
	free, err := world.FreePorts(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(free[0])
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(t.TempDir(), "mosquitto.conf")
	text := strings.Join(append([]string{
		"user root", "listener " + port + " 127.0.0.1", "allow_anonymous true", "log_dest stderr",
		"connection house", "address " + address, "topic raspi/metrics out 1",
	}, settings...), "\n")
	if err := os.WriteFile(conf, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	world.Run(t, &world.Process{Path: server, Args: []string{"-c", conf}, Ready: " running"})
	return port
}

// publishTo publishes a reading to a mosquitto, which keeps it until its bridge has delivered it.
func publishTo(t *testing.T, port string) {
	t.Helper()
	const reading = `{"name": "disk usage / (pi1)", "unit": "Percent", "value": "12.5", "timestamp": "%d"}`
	message := fmt.Sprintf(reading, time.Now().Unix())
	out, err := exec.CommandContext(t.Context(), world.Tool(t, "mosquitto_pub"), "-h", "127.0.0.1", "-p", port,
		"-q", "1", "-t", "raspi/metrics", "-m", message).CombinedOutput()
	if err != nil {
		t.Fatalf("mosquitto_pub: %v: %s", err, out)
	}
}
