package pairing_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"piway/shared/pairing"
	"piway/shared/pki"
)

func TestToken_roundTrip(t *testing.T) {
	want := pairing.Token{
		ID: [6]byte{1, 2, 3, 4, 5, 6}, Secret: [16]byte{7}, Pin: pki.Sum{8},
		Addresses: []string{"192.168.1.20:8883", "[fd00::1]:8883", "gateway.example:443"},
	}
	text, err := want.String()
	if err != nil {
		t.Fatal(err)
	}
	got, err := pairing.ParseToken(" '" + text[:30] + "\r\n  " + text[30:] + "'\n")
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%s: got %+v, %v, want %+v", text, got.Addresses, err, want.Addresses)
	}
}

func TestRequest_roundTrip(t *testing.T) {
	key, err := pki.MakeDeviceKey(filepath.Join(t.TempDir(), "device.key"))
	if err != nil {
		t.Fatal(err)
	}
	token := pairing.Token{ID: [6]byte{1}, Secret: [16]byte{2}}
	body, err := pairing.NewRequest(token, key)
	if err != nil {
		t.Fatal(err)
	}
	id, secret, sum, err := pairing.ReadRequest(bytes.NewReader(body))
	if err != nil || id != token.ID || secret != token.Secret || sum != pki.SumOfCert(key.Leaf) {
		t.Errorf("got %x, %x, %s, %v", id, secret, sum, err)
	}
}
