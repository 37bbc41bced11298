package localcore_test

import (
	"net"
	"os/exec"
	"testing"
	"time"

	"piway/shared/pki"
)

// The recipe's own command line, with AWS's certificate folder.
func TestCore_mosquittoPub(t *testing.T) {
	tool, err := exec.LookPath("mosquitto_pub")
	if err != nil {
		t.Skip("mosquitto_pub is not on PATH; on Debian it is in mosquitto-clients")
	}
	r := start(t)
	files, err := pki.Find(r.certs)
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(r.MQTTAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	args := []string{
		"-h", host, "-p", port, "--cafile", files.Roots[0], "-q", "1", "-t", "raspi/metrics", "-i", "pi1",
		"-m", message("Percent", time.Now()),
	}
	if out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput(); err == nil {
		t.Errorf("without a certificate: got success, want a refusal: %s", out)
	}
	args = append(args, "--cert", files.Cert, "--key", files.Key)
	if out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	select {
	case d := <-r.datums:
		if d.Name != "cpu usage (pi1)" || d.Value != 12.5 {
			t.Errorf("got %+v", d)
		}
	default:
		t.Error("acknowledged, and no datum")
	}
}
