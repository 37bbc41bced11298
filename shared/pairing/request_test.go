package pairing_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"piway/shared/pairing"
	"piway/shared/pki"
)

func deviceKey(t testing.TB) *tls.Certificate {
	t.Helper()
	key, err := pki.MakeDeviceKey(filepath.Join(t.TempDir(), "device.key"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestRequest_roundTrip(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{
		"P-256": deviceKey(t).PrivateKey.(*ecdsa.PrivateKey), "Ed25519": ed, //nolint:forcetypeassert // as documented
	} {
		token := example()
		body, err := pairing.NewRequest(token, &tls.Certificate{PrivateKey: key})
		if err != nil {
			t.Fatal(err)
		}
		want, err := pki.SumOf(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		id, secret, sum, err := pairing.ReadRequest(bytes.NewReader(body))
		if err != nil || id != token.ID || secret != token.Secret || sum != want {
			t.Errorf("%s: got %x, %x, %s, %v", name, id, secret, sum, err)
		}
		if len(body) > pairing.MaxBody/2 {
			t.Errorf("%s: %d bytes, and the bound is %d", name, len(body), pairing.MaxBody)
		}
	}
	if _, err := pairing.NewRequest(example(), &tls.Certificate{}); err == nil {
		t.Error("without a key: got a request")
	}
}

// csr makes one of a key, in PEM.
func csr(t testing.TB, key crypto.Signer, as x509.CertificateRequest) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &as, key)
	if err != nil {
		t.Fatal(err)
	}
	return inPEM("CERTIFICATE REQUEST", der)
}

func inPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func request(t testing.TB, change func(*pairing.Request)) string {
	t.Helper()
	token := example()
	r := pairing.Request{
		ID:     base64.RawURLEncoding.EncodeToString(token.ID[:]),
		Secret: base64.RawURLEncoding.EncodeToString(token.Secret[:]),
		CSR:    csr(t, deviceKey(t).PrivateKey.(*ecdsa.PrivateKey), x509.CertificateRequest{}), //nolint:forcetypeassert // as documented
	}
	change(&r)
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Whatever a CSR says, it is about its key.
func TestReadRequest_onlyTheKeyCounts(t *testing.T) {
	key := deviceKey(t).PrivateKey.(*ecdsa.PrivateKey) //nolint:forcetypeassert // as documented
	want, err := pki.SumOf(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	body := request(t, func(r *pairing.Request) {
		r.CSR = "a remark\n" + csr(t, key, x509.CertificateRequest{
			Subject: pkix.Name{CommonName: "another"}, DNSNames: []string{"gateway.example", "x.piway.internal"},
			IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)}, EmailAddresses: []string{"root@example"},
		})
	})
	body = strings.Replace(body, "{", `{"from the future":[{}],`, 1)
	if _, _, sum, err := pairing.ReadRequest(strings.NewReader(body)); err != nil || sum != want {
		t.Errorf("got %s, %v, want %s", sum, err, want)
	}
}

func TestReadRequest_mistakes(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	device := deviceKey(t)
	// One whose signature is of another CSR, and one of a key that its sender does not have.
	block, _ := pem.Decode([]byte(csr(t, device.PrivateKey.(*ecdsa.PrivateKey), x509.CertificateRequest{}))) //nolint:forcetypeassert // as documented
	forged := bytes.Clone(block.Bytes)
	forged[len(forged)-1] ^= 1
	mine := inPEM(block.Type, block.Bytes)

	change := func(f func(*pairing.Request)) string { return request(t, f) }
	withCSR := func(text string) string { return change(func(r *pairing.Request) { r.CSR = text }) }
	good := change(func(*pairing.Request) {})
	for name, c := range map[string]struct{ body, want string }{
		"nothing":          {"", "is not the JSON of one"},
		"a list":           {"[]", "is not the JSON of one"},
		"two":              {good + good, "is not the JSON of one"},
		"a half":           {good[:len(good)/2], "is not the JSON of one"},
		"too long":         {good + strings.Repeat(" ", pairing.MaxBody), "has more than 4096 bytes"},
		"an empty one":     {"{}", "id: must be 6 bytes"},
		"a short id":       {change(func(r *pairing.Request) { r.ID = "AAAA" }), "id: must be 6 bytes"},
		"a long id":        {change(func(r *pairing.Request) { r.ID += "AAAA" }), "id: must be 6 bytes"},
		"an odd id":        {change(func(r *pairing.Request) { r.ID = "!!!!!!!!" }), "id: must be 6 bytes"},
		"a broken id":      {change(func(r *pairing.Request) { r.ID = r.ID[:4] + "\n" + r.ID[4:] }), "id: must be 6 bytes"},
		"no secret":        {change(func(r *pairing.Request) { r.Secret = "" }), "secret: must be 16 bytes"},
		"a long secret":    {change(func(r *pairing.Request) { r.Secret += "AAAA" }), "secret: must be 16 bytes"},
		"no CSR":           {withCSR(""), "csr: must be a certificate signing request in PEM"},
		"a certificate":    {withCSR(inPEM("CERTIFICATE", device.Certificate[0])), "csr: must be a certificate signing"},
		"no DER":           {withCSR(inPEM("CERTIFICATE REQUEST", []byte("x"))), "csr: "},
		"an RSA key":       {withCSR(csr(t, rsaKey, x509.CertificateRequest{})), "csr: must be of a key of P-256 or Ed25519"},
		"P-384":            {withCSR(csr(t, p384, x509.CertificateRequest{})), "csr: must be of a key of P-256 or Ed25519"},
		"not signed by it": {withCSR(inPEM("CERTIFICATE REQUEST", forged)), "csr: is not signed with its key"},
		"sound":            {withCSR(mine), ""},
	} {
		id, secret, sum, err := pairing.ReadRequest(strings.NewReader(c.body))
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || id != [6]byte{} || secret != [16]byte{} || sum != (pki.Sum{}) {
			t.Errorf("%s: got %x, %s, %v, want %q", name, id, sum, err, c.want)
		}
		if token := example(); err != nil && strings.Contains(err.Error(), base64.RawURLEncoding.EncodeToString(token.Secret[:])) {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
	if _, _, _, err := pairing.ReadRequest(strings.NewReader(strings.Repeat(" ", 5000))); !errors.Is(err, pairing.ErrTooLong) {
		t.Errorf("got %v, want ErrTooLong", err)
	}
	if _, _, _, err := pairing.ReadRequest(io.MultiReader(strings.NewReader(good[:9]), broken{})); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a connection that breaks: got %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Of a body that never ends no more is read than the bound.
func TestReadRequest_bound(t *testing.T) {
	r := &endless{}
	if _, _, _, err := pairing.ReadRequest(r); !errors.Is(err, pairing.ErrTooLong) || r.n > 2*pairing.MaxBody {
		t.Errorf("got %v after %d bytes", err, r.n)
	}
}

type endless struct{ n int }

func (r *endless) Read(p []byte) (int, error) {
	if r.n > 1<<20 {
		return 0, io.EOF // enough
	}
	p = p[:min(len(p), 512)]
	r.n += len(p)
	return copy(p, bytes.Repeat([]byte(" "), len(p))), nil
}

// What is read is of a kind of key that is allowed, and is all there.
func FuzzReadRequest(f *testing.F) {
	f.Add([]byte(request(f, func(*pairing.Request) {})))
	f.Add([]byte(`{"id":"AAAAAAAA","secret":"AAAAAAAAAAAAAAAAAAAAAA","csr":""}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		id, secret, sum, err := pairing.ReadRequest(bytes.NewReader(body))
		if err != nil {
			if id != [6]byte{} || secret != [16]byte{} || sum != (pki.Sum{}) {
				t.Errorf("got %x, %s with %v", id, sum, err)
			}
			return
		}
		var r pairing.Request
		if err := json.Unmarshal(body, &r); err != nil || len(body) > pairing.MaxBody {
			t.Fatalf("%d bytes: %v", len(body), err)
		}
		block, _ := pem.Decode([]byte(r.CSR))
		c, err := x509.ParseCertificateRequest(block.Bytes)
		if err != nil || c.CheckSignature() != nil || !pki.IsOwnKind(c.PublicKey) {
			t.Errorf("%s: %v", r.CSR, err)
		}
		if want, err := pki.SumOf(c.PublicKey); err != nil || want != sum {
			t.Errorf("got %s, %v, want %s", sum, err, want)
		}
	})
}
