package ctl

import (
	"errors"
	"io"
	"io/fs"

	"piway/gateway/datadir"
	"piway/shared/config"
	"piway/shared/pki"
)

// CA prints the certificate of what a gateway is known by on the LAN. A gateway that never ran gets it now.
func CA(dataDir string, out io.Writer) error {
	text, err := pki.ReadCA(datadir.PKI(dataDir))
	if errors.Is(err, fs.ErrNotExist) {
		text, err = makeCA(dataDir)
	}
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

func makeCA(dataDir string) ([]byte, error) {
	lock, err := datadir.Lock(dataDir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Close() }() // frees the lock
	a, err := pki.OpenAuthority(datadir.PKI(dataDir), nil)
	if err != nil {
		return nil, config.PermitData(err, dataDir)
	}
	return a.PEM(), nil
}
