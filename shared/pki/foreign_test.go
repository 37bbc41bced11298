package pki_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"piway/shared/pki"
)

// found returns the path of a program, or skips the test.
func found(t *testing.T, name, where string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not on PATH; on Debian it is in %s", name, where)
	}
	return path
}

// run returns what a program says, and whether it is content.
func run(t *testing.T, path string, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	return string(out), err
}

// OpenSSL finds nothing wrong, however strictly it looks, and whatever the clock says.
func TestAuthority_openssl(t *testing.T) {
	tool := found(t, "openssl", "openssl")
	dir, a := authority(t, "gateway.example", "192.168.1.20", "fd00::1")
	_, other := authority(t)
	ca, server := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "server.crt")
	verify := func(args ...string) error {
		out, err := run(t, tool, append([]string{"verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", ca}, append(args, server)...)...)
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	for _, good := range []string{
		"-verify_hostname gateway.example", "-verify_hostname localhost", "-verify_ip 192.168.1.20", "-verify_ip fd00::1",
		"-verify_ip 127.0.0.1", "-verify_hostname " + pki.ServerName(a.Pin()),
		"-attime 1", "-attime 4102444798", // nearly the first and the last second
	} {
		if err := verify(strings.Fields(good)...); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"-verify_hostname other.example", "-verify_ip 192.168.1.21", "-attime 4102444800", "-purpose sslclient",
		"-CAfile " + write(t, filepath.Join(t.TempDir(), "other.crt"), other.PEM()),
	} {
		if verify(strings.Fields(bad)...) == nil {
			t.Errorf("%s: it is content", bad)
		}
	}
}

// mosquitto_pub, as the recipe calls it, takes the gateway by name and by address with what `gateway ca` prints, shows a
// certificate of another authority, and takes nobody else.
func TestAuthority_mosquitto(t *testing.T) {
	tool := found(t, "mosquitto_pub", "mosquitto-clients")
	dir, a := authority(t)
	otherDir, _ := authority(t)
	_, aws := made(t)
	ln, err := tls.Listen("tcp4", ":0", &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return a.Certificate(), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	defer served.Wait()
	defer ln.Close() //nolint:errcheck // of the test
	served.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				defer conn.Close()    //nolint:errcheck // of the test
				_ = acknowledge(conn) // mosquitto_pub says how it went
			})
		}
	})
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	pub := func(host string, args ...string) error {
		out, err := run(t, tool, append([]string{
			"-h", host, "-p", port, "-q", "1", "-t", "raspi/metrics", "-m", "x", "-u", "kitchen", "-P", "secret",
		}, args...)...)
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	ca, other := filepath.Join(dir, "ca.crt"), filepath.Join(otherDir, "ca.crt")
	for _, version := range []string{"tlsv1.2", "tlsv1.3"} {
		for _, host := range []string{"127.0.0.1", "localhost"} {
			if err := pub(host, "--tls-version", version, "--cafile", ca); err != nil {
				t.Errorf("%s at %s: %v", version, host, err)
			}
		}
		if err := pub("localhost", "--tls-version", version, "--cafile", ca, "--cert", aws.Cert, "--key", aws.Key); err != nil {
			t.Errorf("%s, with a foreign certificate: %v", version, err)
		}
		if pub("127.0.0.1", "--tls-version", version, "--cafile", other) == nil {
			t.Errorf("%s: it takes another gateway's", version)
		}
	}
	if runtime.GOOS != "linux" {
		return // where the loopback interface has one address only
	}
	if pub("127.0.0.2", "--cafile", ca) == nil {
		t.Error("it takes an address that is not in the certificate")
	}
	if changed, err := a.Serve([]string{"127.0.0.2"}); !changed || err != nil {
		t.Fatal(changed, err)
	}
	if err := pub("127.0.0.2", "--cafile", ca); err != nil {
		t.Errorf("after the addresses have changed: %v", err)
	}
}

// acknowledge is the least of a broker: it lets everybody in and acknowledges what is published at QoS 1.
func acknowledge(conn io.ReadWriter) error {
	for {
		var head [2]byte // packets of these tests are short
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return err
		}
		body := make([]byte, head[1])
		if _, err := io.ReadFull(conn, body); err != nil {
			return err
		}
		switch head[0] >> 4 {
		case 1:
			if _, err := conn.Write([]byte{0x20, 2, 0, 0}); err != nil {
				return err
			}
		case 3:
			id := 2 + int(body[0])<<8 + int(body[1])
			if _, err := conn.Write([]byte{0x40, 2, body[id], body[id+1]}); err != nil {
				return err
			}
		default:
			return errors.New("the end")
		}
	}
}

func TestReadCA_oneCertificate(t *testing.T) {
	dir, a := authority(t)
	text, err := pki.ReadCA(dir)
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || len(rest) > 0 || pki.SumOfCert(parsed(t, block.Bytes)) != a.Pin() {
		t.Errorf("got %s", text)
	}
}
