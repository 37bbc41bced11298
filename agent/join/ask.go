package join

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"piway/agent/find"
	"piway/shared/address"
	"piway/shared/backoff"
	"piway/shared/config"
	"piway/shared/mqttlink"
	"piway/shared/pairing"
	"piway/shared/pki"
)

// Bounds of one question.
const (
	port = "8883"
	// answerTime is how long the gateway's disk may take.
	answerTime = 30 * time.Second
	// maxAnswer bounds what is read: a head, and a body.
	maxAnswer = 8<<10 + pairing.MaxBody
)

// pauses are between the questions at one address while those are cut off.
var pauses = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}

// askUntil asks again where the connection is cut off, as a gateway does that makes room for other newcomers: many
// machines may join at once from behind one address. The same request has the same answer.
func (j *joiner) askUntil(ctx context.Context, at string, body []byte) (pairing.Answer, error) {
	for _, pause := range pauses {
		answer, err := ask(ctx, at, j.token.Pin, body)
		if !cutOff(err) {
			return answer, err
		}
		j.say("The connection was cut off. Asking again …")
		if err := backoff.Sleep(ctx, pause); err != nil {
			return answer, err
		}
	}
	return ask(ctx, at, j.token.Pin, body)
}

// cutOff says whether somebody was there, and let go.
func cutOff(err error) bool {
	return !errors.Is(err, pki.ErrPin) && !errors.Is(err, context.DeadlineExceeded) &&
		(errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
			errors.Is(err, syscall.EPIPE))
}

// ask puts the request to who answers at the address, if the pin proves that it is the gateway. A find.Stop is what the
// gateway itself has said.
func ask(ctx context.Context, at string, pin pki.Sum, body []byte) (pairing.Answer, error) {
	conn, err := reach(ctx, at, pin)
	if err != nil {
		return pairing.Answer{}, err
	}
	defer conn.Close() //nolint:errcheck // all is said
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // the read reports it
	defer stop()
	step("proved")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+pki.ServerName(pin)+pairing.Path,
		bytes.NewReader(body))
	if err != nil {
		return pairing.Answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	if err := req.Write(conn); err != nil {
		return pairing.Answer{}, unanswered(ctx, err)
	}
	step("asked")
	answer, err := readAnswer(conn, pin)
	if errors.Is(err, errCut) {
		return answer, unanswered(ctx, err)
	}
	return answer, err
}

// errNoJoin is of a gateway that is the right one.
var errNoJoin = errors.New("the gateway takes no invitations")

// reach connects, and returns when the pin has proved the gateway.
func reach(ctx context.Context, at string, pin pki.Sum) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, find.Reach)
	defer cancel()
	a, err := address.Parse(at, port)
	if err != nil {
		return nil, err
	}
	raw, err := mqttlink.Dial(ctx, a)
	if err != nil {
		return nil, late(ctx, err)
	}
	cfg := pki.Pinned([]pki.Sum{pin}, nil)
	cfg.MinVersion = tls.VersionTLS13
	cfg.NextProtos = []string{pairing.ALPN}
	conn := tls.Client(raw, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // the handshake's error is the one to tell
		return nil, late(ctx, err)
	}
	if conn.ConnectionState().NegotiatedProtocol != pairing.ALPN {
		_ = conn.Close() // nothing was said
		return nil, config.Try(errNoJoin, "update piway-gateway; it is of an earlier version, or joining is switched off")
	}
	return conn, nil
}

func late(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	}
	return err
}

// errUnanswered says that the gateway may have taken the device.
var errUnanswered = errors.New("the request was sent, and the gateway's answer did not come")

func unanswered(ctx context.Context, err error) error {
	return fmt.Errorf("%w: %w", errUnanswered, late(ctx, err))
}

// errCut is an answer that is not whole.
var errCut = errors.New("the answer is not whole")

// readAnswer reads the gateway's answer, of which no byte is believed to fit. An error is a find.Stop, but for errCut.
func readAnswer(from io.Reader, pin pki.Sum) (pairing.Answer, error) {
	resp, err := http.ReadResponse(bufio.NewReader(io.LimitReader(from, maxAnswer)), nil)
	if err != nil {
		return pairing.Answer{}, fmt.Errorf("%w: %w", errCut, err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	if resp.StatusCode != http.StatusOK {
		return pairing.Answer{}, find.Stop(refusal(resp))
	}
	answer, err := pairing.ReadAnswer(resp.Body, pin)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return answer, fmt.Errorf("%w: %w", errCut, err)
	case err != nil:
		return answer, find.Stop(err)
	}
	return answer, nil
}

// refusal is what a status means, and what to do.
func refusal(resp *http.Response) error {
	const anew = "sudo piway-gateway invite NAME on the gateway, and paste the new line here"
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		return config.Try(errors.New("the gateway does not know this token"), anew)
	case http.StatusForbidden:
		return config.Try(errors.New("the gateway has revoked the key that this machine made for this token"), anew)
	case http.StatusConflict:
		return config.Try(errors.New("this token was used already, with the key of another machine: if that was none of "+
			"yours, somebody else has joined by it"), "on the gateway sudo piway-gateway invite NAME --replace, if this "+
			"machine was installed anew; who is not yours is locked out by device revoke NAME")
	case http.StatusPreconditionFailed:
		return config.Try(errors.New("the gateway has another device of the invited name, or with this machine's key, by now"),
			"sudo piway-gateway device list on the gateway, then invite NAME --replace there if this machine is to take its place")
	case http.StatusGone:
		return config.Try(errors.New("this token is too old: it holds for an hour, and not beyond a restart of a gateway "+
			"whose clock is not right"), anew)
	case http.StatusTooManyRequests:
		return config.Try(errors.New("too many wrong tokens came from this network or for this invitation, and the gateway "+
			"takes none from here for now"), "the same line again "+retryAfter(resp.Header.Get("Retry-After")))
	case http.StatusServiceUnavailable:
		return config.Try(errors.New("the gateway cannot write to its disk now"),
			"make room on its disk (df there), or mend it (dmesg), then the same line here again")
	}
	return config.Try(fmt.Errorf("the gateway answers with status %d, which this version does not know", resp.StatusCode),
		"update piway-agent and piway-gateway to the same version")
}

// retryAfter is when, in words. Another number than of seconds is not believed.
func retryAfter(text string) string {
	const most = 24 * 60 * 60
	if n, err := strconv.ParseUint(text, 10, 32); err == nil && n > 0 && n <= most {
		return "in " + (time.Duration(n) * time.Second).String()
	}
	return "in some minutes"
}

// advised adds to the errors of all places what can be done.
func advised(err error) error {
	switch {
	case config.Hint(err) != "" && !errors.Is(err, pki.ErrPin):
		return err
	case errors.Is(err, errUnanswered):
		return config.Try(err, "the same line again, which goes on where this ended")
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, pki.ErrPin):
		return config.Try(err, "see that this machine is on the network of the gateway that made the token; "+
			"where another gateway is at its address now, make a new token there")
	}
	return config.Try(err, "see that the gateway runs (sudo piway-gateway health there), that no firewall is in between, and "+
		"that this machine is on its network; broker.advertise of the gateway says which addresses a token has")
}
