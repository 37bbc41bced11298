package pairing

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"strings"
	"unicode"

	"piway/shared/config"
	"piway/shared/pki"
)

// A Token is what a device needs to join: which invitation, the proof that it was invited, and how to know and to find
// the gateway. Whatever it is formatted with, it shows its ID only; String shows the secret.
type Token struct {
	ID     [6]byte
	Secret [16]byte
	// Pin is that of the gateway.
	Pin pki.Sum
	// Addresses are HOST:PORT, at most MaxAddresses, the one to try first in front. There may be none.
	Addresses []string
}

const (
	// MaxAddresses is how many addresses a token may hold.
	MaxAddresses = 3

	prefix  = "piw1."
	version = 1
	// fixed is the length of what is before the addresses.
	fixed = 1 + 1 + 6 + 16 + 32
	// maxText bounds what is looked at: no token is as long, nor one that is pasted twice.
	maxText = 4 << 10
)

// Why a text is no token, for errors.Is.
var (
	// ErrNotToken is that of a text that was never one.
	ErrNotToken = errors.New("is not a token")
	// ErrMistyped is that of a token that is not whole.
	ErrMistyped = errors.New("is cut off or mistyped")
	// ErrNewer is that of a token of a newer gateway.
	ErrNewer = errors.New("is of a newer version of Piway")
)

var encoding = base64.RawURLEncoding.Strict()

// String is the text of the token, with its secret. The error is of an address that a token cannot hold.
func (t Token) String() (string, error) {
	if len(t.Addresses) > MaxAddresses {
		return "", fmt.Errorf("making a token: %d addresses, and at most %d have room", len(t.Addresses), MaxAddresses)
	}
	b := append(make([]byte, 0, 2*fixed), version, 0)
	b = append(b, t.ID[:]...)
	b = append(b, t.Secret[:]...)
	b = append(b, t.Pin[:]...)
	for _, a := range t.Addresses {
		var err error
		if b, err = appendAddress(b, a); err != nil {
			return "", fmt.Errorf("making a token: %w", err)
		}
	}
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return prefix + encoding.EncodeToString(b), nil
}

// ParseToken reads what String writes. Blanks and line breaks are passed over wherever they are, as a terminal breaks
// lines, and so are quotes around it. Errors tell what was probably done, and never show the text. They are ErrNotToken,
// ErrMistyped or ErrNewer.
func ParseToken(text string) (Token, error) {
	b, err := decode(text)
	if err != nil {
		return Token{}, fmt.Errorf("reading the token: it %w", err)
	}
	return parse(b)
}

func parse(b []byte) (Token, error) {
	var t Token
	copy(t.ID[:], b[2:])
	copy(t.Secret[:], b[8:])
	copy(t.Pin[:], b[24:])
	for rest := b[fixed:]; len(rest) > 0; {
		a, n, err := readAddress(rest)
		if err == nil && len(t.Addresses) == MaxAddresses {
			err = fmt.Errorf("has more than %d addresses", MaxAddresses)
		}
		if err != nil {
			return Token{}, fmt.Errorf("reading the token: it %w: %w", ErrNotToken, err)
		}
		t.Addresses, rest = append(t.Addresses, a), rest[n:]
	}
	return t, nil
}

// decode returns the bytes before the CRC, which is right. They are at least the fixed ones.
func decode(text string) ([]byte, error) {
	text, err := strip(text)
	if err != nil {
		return nil, err
	}
	const tryAgain = "copy it again, from piw1. to its end"
	b, err := encoding.DecodeString(text)
	if err != nil || len(b) < fixed+crc32.Size {
		return nil, config.Try(ErrMistyped, tryAgain)
	}
	b, sum := b[:len(b)-crc32.Size], binary.BigEndian.Uint32(b[len(b)-crc32.Size:])
	switch {
	case crc32.ChecksumIEEE(b) != sum:
		return nil, config.Try(ErrMistyped, tryAgain)
	case b[0] != version || b[1] != 0:
		return nil, config.Try(ErrNewer, tryUpdate)
	}
	return b, nil
}

const tryUpdate = "update piway-agent to the gateway's version"

// strip returns what is behind the prefix.
func strip(text string) (string, error) {
	const try = "paste the line that `sudo piway-gateway invite NAME` prints"
	if len(text) > maxText {
		return "", config.Try(fmt.Errorf("%w: it is too long", ErrNotToken), try)
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) { // Cf are marks that take no place
			return -1
		}
		return r
	}, text)
	text = strings.Trim(text, "\"'`“”‘’")
	rest, ok := strings.CutPrefix(text, prefix)
	switch {
	case ok && strings.Contains(rest, prefix):
		return "", config.Try(fmt.Errorf("%w: it is there twice", ErrMistyped), "paste it once")
	case ok:
		return rest, nil
	case text == "":
		return "", config.Try(fmt.Errorf("%w: it is empty", ErrNotToken), try)
	case newer(text):
		return "", config.Try(ErrNewer, tryUpdate)
	case strings.Contains(text, prefix):
		return "", config.Try(fmt.Errorf("%w: there is something in front of it", ErrNotToken),
			"give what begins with "+prefix+" only")
	}
	return "", config.Try(fmt.Errorf("%w: it does not begin with %s", ErrNotToken, prefix), try)
}

// newer reports whether a text begins as a token of a later version.
func newer(text string) bool {
	rest, ok := strings.CutPrefix(text, "piw")
	n, _, dot := strings.Cut(rest, ".")
	const digits = 3
	return ok && dot && n != "" && len(n) <= digits && strings.Trim(n, "0123456789") == ""
}

// Format keeps the secret out of whatever prints a token: fmt, and logs.
func (t Token) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, t.shown()) } // as fmt, which has no error to give

// LogValue is as Format.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.shown()) }

func (t Token) shown() string { return fmt.Sprintf("token of invitation %x", t.ID[:]) }
