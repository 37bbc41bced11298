package pairing_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"piway/shared/pairing"
	"piway/shared/pki"
)

func answer(t testing.TB) (pairing.Answer, pki.Sum) {
	t.Helper()
	a, err := pki.OpenAuthority(filepath.Join(t.TempDir(), "pki"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return pairing.Answer{
		Device: "kitchen", ID: "00112233445566778899aabbccddeeff", CA: string(a.PEM()),
		Addresses: []string{"192.168.1.20:8883", "[fd00::1]:8883"}, Time: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC),
	}, a.Pin()
}

func TestAnswer_roundTrip(t *testing.T) {
	want, pin := answer(t)
	body, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if len(body) > pairing.MaxBody/2 {
		t.Errorf("%d bytes, and the bound is %d", len(body), pairing.MaxBody)
	}
	got, err := pairing.ReadAnswer(strings.NewReader(strings.Replace(string(body), "{", `{"from the future":[{}],`, 1)), pin)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	want.Addresses, want.Time = nil, time.Time{} // a gateway whose clock may be wrong
	if body, err = json.Marshal(want); err != nil || strings.Contains(string(body), "time") {
		t.Errorf("got %s, %v", body, err)
	}
	if got, err := pairing.ReadAnswer(bytes.NewReader(body), pin); err != nil || !got.Time.IsZero() {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestReadAnswer_mistakes(t *testing.T) {
	good, pin := answer(t)
	other, _ := answer(t)
	for name, c := range map[string]struct {
		change func(*pairing.Answer)
		want   string
	}{
		"no id":          {func(a *pairing.Answer) { a.ID = "" }, "id: must be 32"},
		"an odd id":      {func(a *pairing.Answer) { a.ID = "x" + a.ID[1:] }, "id: must be 32"},
		"no name":        {func(a *pairing.Answer) { a.Device = "" }, "device: must not be empty"},
		"four addresses": {func(a *pairing.Answer) { a.Addresses = []string{"a:1", "b:1", "c:1", "d:1"} }, "at most 3"},
		"no port":        {func(a *pairing.Answer) { a.Addresses = []string{"a"} }, "must be HOST:PORT, with a port"},
		"no CA":          {func(a *pairing.Answer) { a.CA = "" }, "ca: must be a certificate"},
		"no DER":         {func(a *pairing.Answer) { a.CA = inPEM("CERTIFICATE", []byte("x")) }, "ca: "},
		"another's CA":   {func(a *pairing.Answer) { a.CA = other.CA }, "and the token's is " + pin.String()},
		"a long one":     {func(a *pairing.Answer) { a.Device = strings.Repeat("a", pairing.MaxBody) }, "more than 4096 bytes"},
	} {
		bad := good
		c.change(&bad)
		body, err := json.Marshal(bad)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pairing.ReadAnswer(bytes.NewReader(body), pin)
		if err == nil || !strings.Contains(err.Error(), c.want) || !cmp.Equal(got, pairing.Answer{}) {
			t.Errorf("%s: got %v, %v, want %q", name, got, err, c.want)
		}
	}
	if _, err := pairing.ReadAnswer(strings.NewReader("404 page not found"), pin); err == nil {
		t.Error("a text is an answer")
	}
}

func FuzzReadAnswer(f *testing.F) {
	good, pin := answer(f)
	body, err := json.Marshal(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := pairing.ReadAnswer(bytes.NewReader(body), pin)
		if err == nil && (len(a.ID) != 32 || a.Device == "" || a.CA == "" || len(a.Addresses) > pairing.MaxAddresses) {
			t.Errorf("got %+v", a)
		}
	})
}
