package pairing

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"time"

	"piway/shared/address"
	"piway/shared/pki"
)

// An Answer is what a device gets that has joined, as JSON.
type Answer struct {
	// Device is its name, ID its id for good (16 bytes as 32 hexadecimal digits), which survives renaming.
	Device string `json:"device"`
	ID     string `json:"id"`
	// CA is the certificate of the gateway's authority, in PEM.
	CA string `json:"ca"`
	// Addresses are where the gateway can be found, HOST:PORT, at most MaxAddresses.
	Addresses []string `json:"addresses,omitempty"`
	// Time is the gateway's. It is zero if its clock may be wrong.
	Time time.Time `json:"time,omitzero"`
}

// ReadAnswer reads the body of an answer, at most MaxBody bytes, from the gateway with this pin. nil means that its name
// is not empty, its id is one, its certificate is of the key with this pin, and its addresses are some, at most
// MaxAddresses. Members of JSON that are not known are passed over.
func ReadAnswer(r io.Reader, pin pki.Sum) (Answer, error) {
	body, err := readBody(r)
	if err != nil {
		return Answer{}, fmt.Errorf("reading the gateway's answer: %w", err)
	}
	var a Answer
	if err := json.Unmarshal(body, &a); err != nil {
		return Answer{}, fmt.Errorf("reading the gateway's answer: %w", err)
	}
	if err := a.check(pin); err != nil {
		return Answer{}, fmt.Errorf("reading the gateway's answer: %w", err)
	}
	return a, nil
}

func (a *Answer) check(pin pki.Sum) error {
	const idLength = 16
	if id, err := hex.DecodeString(a.ID); err != nil || len(id) != idLength {
		return errors.New("id: must be 32 hexadecimal digits")
	}
	if a.Device == "" {
		return errors.New("device: must not be empty")
	}
	if len(a.Addresses) > MaxAddresses {
		return fmt.Errorf("addresses: at most %d", MaxAddresses)
	}
	for _, text := range a.Addresses {
		if _, err := address.Parse(text, ""); err != nil {
			return fmt.Errorf("addresses: %q must be HOST:PORT, %w", text, err)
		}
	}
	block, _ := pem.Decode([]byte(a.CA))
	if block == nil {
		return errors.New("ca: must be a certificate in PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	if pki.SumOfCert(cert) != pin {
		return fmt.Errorf("ca: is %s, and the token's is %s", pki.SumOfCert(cert), pin)
	}
	return nil
}
