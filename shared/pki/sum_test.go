package pki_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"piway/shared/config"
	"piway/shared/pki"
)

func TestSum_text(t *testing.T) {
	var all struct {
		Key pki.Sum `json:"key"`
	}
	const digits = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	if err := json.Unmarshal([]byte(`{"key":"`+strings.ToUpper(digits)+`"}`), &all); err != nil {
		t.Fatal(err)
	}
	if text, err := json.Marshal(all); err != nil || string(text) != `{"key":"`+digits+`"}` || all.Key.String() != digits {
		t.Errorf("got %s, %v", text, err)
	}
	for _, bad := range []string{"", digits[:63], digits + "0", digits[:63] + "x", " " + digits[:63], strings.Repeat("x", 1000)} {
		s, err := pki.ParseSum(bad)
		if s != (pki.Sum{}) || !strings.Contains(config.Hint(err), "64 hexadecimal digits") || len(err.Error()) > 200 {
			t.Errorf("%.100q: got %s, %v", bad, s, err)
		}
		before := all.Key
		if err := all.Key.UnmarshalText([]byte(bad)); err == nil || all.Key != before {
			t.Errorf("%.100q: got %s, %v, want it as before", bad, all.Key, err)
		}
	}
}

func TestSumOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	device, err := pki.MakeDeviceKey(path)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := pki.SumOf(device.PrivateKey.(*ecdsa.PrivateKey).Public()) //nolint:forcetypeassert // as documented
	if err != nil || sum != pki.SumOfCert(device.Leaf) {
		t.Errorf("got %s, %v, want %s", sum, err, pki.SumOfCert(device.Leaf))
	}
	if _, err := pki.SumOf("no key"); err == nil {
		t.Error("a text has a sum")
	}
	tool, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not on PATH")
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c",
		tool+" pkey -in "+path+" -pubout -outform DER | "+tool+" dgst -sha256 -r").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), sum.String()) {
		t.Errorf("openssl: got %s, %v, want %s", out, err, sum)
	}
}
