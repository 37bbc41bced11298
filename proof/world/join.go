package world

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"time"

	"piway/gateway/control"
	"piway/gateway/devices"
	"piway/shared/pairing"
	"piway/shared/pki"
)

// Invite has a gateway that runs, and has its data in this folder, invite a device.
func Invite(ctx context.Context, data, name string) (pairing.Token, error) {
	var all []devices.Token
	ask := devices.Invitees{Names: []string{name}}
	if err := control.Call(ctx, data, "POST", "/invitations", ask, &all); err != nil {
		return pairing.Token{}, err
	}
	return pairing.ParseToken(all[0].Token)
}

// Revoke revokes a device of a gateway that runs.
func Revoke(ctx context.Context, data, name string) error {
	return control.Call(ctx, data, "POST", "/devices/"+name+"/revoke", nil, nil)
}

// AddSecure puts a device on the list of a gateway that runs: one with a password that it may say by TLS only.
func AddSecure(ctx context.Context, data, name string) (password string, err error) {
	err = control.Call(ctx, data, "POST", "/devices/"+name, nil, &password)
	return password, err
}

// joinTime bounds one try to join.
const joinTime = 30 * time.Second

// Join has a key join by a token, at the first address in it, as an agent does: the pin proves the gateway before the
// secret is said.
func Join(ctx context.Context, token pairing.Token, key *tls.Certificate) (a pairing.Answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	cfg := pki.Pinned([]pki.Sum{token.Pin}, nil)
	cfg.MinVersion, cfg.NextProtos = tls.VersionTLS13, []string{pairing.ALPN}
	conn, err := (&tls.Dialer{Config: cfg}).DialContext(ctx, "tcp", token.Addresses[0])
	if err != nil {
		return a, fmt.Errorf("joining: %w", err)
	}
	defer conn.Close() //nolint:errcheck // all is read
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	req, err := JoinRequest(ctx, token, key)
	if err != nil {
		return a, err
	}
	if err := req.Write(conn); err != nil {
		return a, fmt.Errorf("joining: %w", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return a, fmt.Errorf("joining: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it is read
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, pairing.MaxBody)) // as far as it is there
		return a, fmt.Errorf("joining: %s: %s", resp.Status, bytes.TrimSpace(text))
	}
	return pairing.ReadAnswer(resp.Body, token.Pin)
}

// JoinRequest is what a device sends.
func JoinRequest(ctx context.Context, token pairing.Token, key *tls.Certificate) (*http.Request, error) {
	body, err := pairing.NewRequest(token, key)
	if err != nil {
		return nil, err
	}
	url := "https://" + pki.ServerName(token.Pin) + pairing.Path
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("joining: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}
