package pki

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"piway/shared/config"
	"piway/shared/files"
)

// The files that MakeAWS adds to what AWS gives a client, for the server side.
const (
	serverCert = "server.pem.crt"
	serverKey  = "server.pem.key"
	clientCA   = "client-ca.pem"
	rootCA     = "AmazonRootCA1.pem"
)

// ErrExists is returned by MakeAWS for a folder that already has certificates, for callers that then use these.
var ErrExists = errors.New("certificates exist already")

// MakeAWS makes a certificate folder for a stand-in of AWS IoT, with a client's files named as AWS names its downloads
// (<id> is the SHA-256 of the certificate, 64 hex digits):
//
//	AmazonRootCA1.pem         <id>-certificate.pem.crt   <id>-private.pem.key     for the client
//	client-ca.pem             server.pem.crt             server.pem.key           for Server
//
// The server's certificate is for hosts, names or addresses; none means this machine by its loopback names.
// Keys have mode 0600. The keys of the two authorities are thrown away, so nobody can add to the folder later.
// A folder with certificates in it is left alone: ErrExists. A nil error means that all files are on disk.
func MakeAWS(dir string, hosts []string) error {
	for _, h := range hosts {
		if net.ParseIP(h) == nil && (h == "" || strings.ContainsAny(h, ":/ ")) {
			return config.Try(fmt.Errorf("making certificates for host %q: is neither a name nor an address", h),
				"leave out scheme and port")
		}
	}
	if err := files.System.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("making the certificate folder: %w", err)
	}
	if err := refuseUsed(dir); err != nil {
		return err
	}
	made, err := awsFiles(hosts, time.Now())
	if err != nil {
		return fmt.Errorf("making certificates: %w", err)
	}
	return writeAll(dir, made)
}

// Server returns the server side of a folder made by MakeAWS: TLS 1.2 or newer, and only clients whose certificate
// client-ca.pem vouches for.
func Server(dir string) (*tls.Config, error) {
	now := time.Now()
	clients, clientsErr := pool("authority of client certificates", []string{filepath.Join(dir, clientCA)}, now)
	pair, pairErr := keyPair(filepath.Join(dir, serverCert), filepath.Join(dir, serverKey), now)
	if err := errors.Join(clientsErr, pairErr); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    clients,
		Certificates: []tls.Certificate{pair},
	}, nil
}

func refuseUsed(dir string) error {
	found, err := scan(dir)
	if err != nil {
		return err
	}
	used := append(append(found.roots, found.certs...), found.keys...)
	for _, name := range []string{serverCert, serverKey, clientCA} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			used = append(used, filepath.Join(dir, name))
		}
	}
	if len(used) == 0 {
		return nil
	}
	return config.Try(fmt.Errorf("making certificates in %s: %w (%s)", dir, ErrExists, bases(used)),
		"use them, or name an empty folder")
}

// awsFiles makes everything in memory.
func awsFiles(hosts []string, now time.Time) ([]file, error) {
	root, rootErr := issue(template("Piway local root", now), nil)
	clients, clientsErr := issue(template("Piway local clients", now), nil)
	if err := errors.Join(rootErr, clientsErr); err != nil {
		return nil, err
	}
	server, serverErr := issue(forHosts(template("Piway local server", now), hosts), root)
	client, clientErr := issue(forClient(template("AWS IoT Certificate", now)), clients) // AWS's have this name
	if err := errors.Join(serverErr, clientErr); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(client.cert.Raw)
	id := hex.EncodeToString(sum[:])
	return []file{
		{clientCA, clients.certPEM(), publicMode},
		{serverKey, server.keyPEM, privateMode},
		{serverCert, server.certPEM(), publicMode},
		{rootCA, root.certPEM(), publicMode},
		{id + "-private.pem.key", client.keyPEM, privateMode},
		{id + "-certificate.pem.crt", client.certPEM(), publicMode},
	}, nil
}
