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

// refused turns a CONNACK return code into an error. Codes above 0x80 are MQTT 5's, which some brokers send to anyone.
func refused(code int) error {
	switch code {
	case 1, 0x84:
		return errors.New("refused by the broker: it does not speak MQTT 3.1.1")
	case 2, 0x85:
		return errors.New("refused by the broker: client id not accepted")
	case 3, 0x88:
		return errors.New("refused by the broker: server unavailable")
	case 4, 0x86:
		return fmt.Errorf("%w: bad user name or password", ErrLogin)
	case 5, 0x87:
		return fmt.Errorf("%w: not authorised (wrong user name or password, or no permission)", ErrLogin)
	default:
		return fmt.Errorf("refused by the broker: return code 0x%02x", code)
	}
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
		return fmt.Errorf("the port does not speak TLS: %w", err)
	case errors.As(err, &remote) && remote.Op == "remote error":
		// With TLS 1.3 a refused client certificate shows only when the CONNACK is read.
		return fmt.Errorf("the server refused us, perhaps our certificate: %w", remote.Err)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("connection closed by the broker before it answered: %w", err)
	default:
		return err
	}
}
