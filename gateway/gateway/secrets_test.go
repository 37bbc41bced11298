package gateway

import (
	"crypto/ecdsa"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piway/gateway/cloud"
	"piway/gateway/control"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/shared/mqttlink"
	"piway/shared/pairing"
	"piway/shared/testlog"
)

// forms are how a secret might be printed.
func forms(secret []byte) []string {
	return []string{
		string(secret), hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)),
		base64.RawURLEncoding.EncodeToString(secret), base64.RawStdEncoding.EncodeToString(secret),
		strings.Trim(strings.ReplaceAll(string(must(json.Marshal(ints(secret)))), ",", " "), "[]"), // as fmt has bytes
	}
}

func ints(b []byte) (all []int) {
	for _, c := range b {
		all = append(all, int(c))
	}
	return all
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // in a test
	}
	return v
}

// No password, no token and no key is in the log, however much that tells; nor in the list, in an error, or in what is
// shown.
func TestGateway_showsNoSecret(t *testing.T) {
	t.Parallel()
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	said := new(testlog.Log)
	g, err := Open(t.Context(), cfg, slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	stop := w.serve("gateway", g.Run)
	p := &place{Gateway: g, t: t, cfg: &cfg, said: said, stop: stop, links: map[string]*mqttlink.Link{}, seq: map[string]int64{}}

	var tokens []devices.Token
	if err := control.Call(t.Context(), cfg.Data.Dir, "POST", "/invitations",
		devices.Invitees{Names: []string{"kitchen", "attic"}}, &tokens); err != nil {
		t.Fatal(err)
	}
	token := must(pairing.ParseToken(tokens[0].Token))
	unused := must(pairing.ParseToken(tokens[1].Token))
	var password, renewed string
	if err := control.Call(t.Context(), cfg.Data.Dir, "POST", "/devices/plug?plain", nil, &password); err != nil {
		t.Fatal(err)
	}
	var shown []string // errors and answers
	note := func(err error) {
		if err != nil {
			shown = append(shown, err.Error())
		}
	}
	wrong := unused
	wrong.Secret[3]++
	key := deviceKey(t)
	for range 7 { // the invitation is void then
		_, err := joinAs(t, wrong, key)
		note(err)
	}
	for _, k := range []*tls.Certificate{key, key, deviceKey(t)} {
		a, err := joinAs(t, token, k)
		note(err)
		shown = append(shown, string(must(json.Marshal(a))))
	}
	for _, o := range []mqttlink.Options{
		p.over("kitchen", "", key), p.over("kitchen", "guessed-word", nil), p.over("plug", password, nil),
		p.over("plug", "guessed-word", deviceKey(t)),
		{Broker: "tcp://" + p.Addr().String(), ClientID: "plug", Username: "plug", Password: password},
		{Broker: "tcp://" + p.Addr().String(), ClientID: "kitchen", Username: "kitchen", Password: "guessed-word"},
		{Broker: "tcp://" + p.AddrTLS().String(), ClientID: "plug", Username: "plug", Password: password},
	} {
		l, err := mqttlink.Connect(t.Context(), o)
		note(err)
		if err == nil {
			l.Close()
		}
	}
	for _, version := range []byte{3, 4, 5, 9} { // CONNECTs that are broken behind, before or beside the password
		for _, flags := range []byte{0xC2, 0xC3, 0x42, 0xFE, 0xC0} {
			conn := must(tls.Dial("tcp", p.AddrTLS().String(), &tls.Config{InsecureSkipVerify: true}))
			text := func(s string) string { return string([]byte{0, byte(len(s))}) + s }
			body := text("MQTT") + string([]byte{version, flags, 0, 9}) + text("c") + text("plug") + text(password)
			_, err := conn.Write(append([]byte{0x10, byte(len(body))}, body...))
			note(err)
			_, err = conn.Read(make([]byte, 100))
			note(err)
			_ = conn.Close() // all is said
		}
	}
	if err := control.Call(t.Context(), cfg.Data.Dir, "POST", "/devices/plug/password", nil, &renewed); err != nil {
		t.Fatal(err)
	}
	note(p.ask("POST", "/devices/kitchen/revoke"))
	_, err = joinAs(t, token, key)
	note(err)
	for _, path := range []string{"/devices", "/ledger", "/backup/devices", "/health"} {
		var out json.RawMessage
		err := control.Call(t.Context(), cfg.Data.Dir, "GET", path, nil, &out)
		if err != nil && path != "/health" { // where there is none
			t.Errorf("%s: %v", path, err)
		}
		shown = append(shown, string(out))
	}
	list := must(os.ReadFile(datadir.Devices(cfg.Data.Dir)))
	stop()

	if said.Count("DEBUG") == 0 || said.Count("join refused") == 0 ||
		said.Count("connection refused") == 0 || said.Count("another key came") == 0 {
		t.Errorf("it was not told, so nothing is tried:\n%s", said)
	}
	secrets := []string{
		password, renewed, "guessed-word", tokens[0].Token, tokens[1].Token, tokens[0].Token[20:40], "PRIVATE KEY",
	}
	secrets = append(append(append(secrets, forms(token.Secret[:])...), forms(unused.Secret[:])...), forms(wrong.Secret[:])...)
	own := must(g.authority.Certificate().PrivateKey.(*ecdsa.PrivateKey).Bytes())
	secrets = append(append(secrets, forms(own)...), forms(must(key.PrivateKey.(*ecdsa.PrivateKey).Bytes()))...)
	for where, text := range map[string]string{
		"the log": said.String(), "the device list": string(list), "what is shown": strings.Join(shown, "\n"),
	} {
		for n, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("secret %d is in %s", n, where)
			}
		}
	}
	for _, file := range []string{"ca.key", "server.key"} {
		path := filepath.Join(datadir.PKI(cfg.Data.Dir), file)
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v", file, info, err)
		}
	}
	if info, err := os.Stat(datadir.Devices(cfg.Data.Dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the device list: got %v, %v", info, err)
	}
}
