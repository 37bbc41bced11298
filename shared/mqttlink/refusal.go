package mqttlink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// ErrLogin is the broker's refusal of this user: a wrong user name or password, or one that may not connect.
// Trying again does not help until somebody changes one side.
var ErrLogin = errors.New("login refused")

// ErrNotTLS says that the server answers, and not in TLS.
var ErrNotTLS = errors.New("the port does not speak TLS")

// ErrCertificate says that the server ended the handshake: it may not want our certificate. Before it is proved who the
// server is, anybody can say that.
var ErrCertificate = errors.New("the server refused us, perhaps our certificate")

// ErrUnanswered says that the broker ended the connection instead of answering: it may not want this client, or not yet.
var ErrUnanswered = errors.New("connection closed by the broker before it answered")

// refused turns a CONNACK return code into an error (MQTT 3.1.1, table 3.1).
func refused(code int) error {
	switch code {
	case 1:
		return errors.New("refused by the broker: it does not speak MQTT 3.1.1")
	case 2:
		return errors.New("refused by the broker: client id not accepted")
	case 3:
		return errors.New("refused by the broker: server unavailable")
	case 4:
		return fmt.Errorf("%w: bad user name or password", ErrLogin)
	case 5:
		return fmt.Errorf("%w: not authorised (wrong user name or password, or no permission)", ErrLogin)
	}
	five := ""
	if meaning, ok := codesOf5[code]; ok {
		five = fmt.Sprintf(" (in MQTT 5: %s)", meaning)
	}
	return fmt.Errorf("refused by the broker: return code 0x%02x, which MQTT 3.1.1 does not have%s", code, five)
}

// codesOf5 are what brokers send that answer a client of 3.1.1 with a code of MQTT 5 (MQTT 5.0, table 3-1).
var codesOf5 = map[int]string{
	0x80: "unspecified error", 0x81: "malformed packet", 0x82: "protocol error", 0x84: "unsupported protocol version",
	0x85: "client id not valid", 0x86: "bad user name or password", 0x87: "not authorised", 0x88: "server unavailable",
	0x89: "server busy", 0x8A: "banned", 0x95: "packet too large", 0x97: "quota exceeded", 0x9A: "retain not supported",
	0x9B: "QoS not supported", 0x9C: "use another server", 0x9D: "server moved", 0x9F: "connection rate exceeded",
}

// explain puts the likely cause of a failed connect in front of the library's words.
func explain(ctx context.Context, err error) error {
	var verify *tls.CertificateVerificationError
	var notTLS tls.RecordHeaderError
	var remote *net.OpError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	case errors.As(err, &verify):
		return fmt.Errorf("the server's certificate is not trusted: %w", verify.Err)
	case errors.As(err, &notTLS):
		return fmt.Errorf("%w: %w", ErrNotTLS, err)
	case errors.As(err, &remote) && remote.Op == "remote error":
		// With TLS 1.3 a refused client certificate shows only when the CONNACK is read.
		return fmt.Errorf("%w: %w", ErrCertificate, remote.Err)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("%w: %w", ErrUnanswered, err)
	default:
		return err
	}
}
