package broker_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
)

// A rekeyer writes records of TLS 1.3 (RFC 8446, 5.2), with what Go's client does not: changes of keys.
type rekeyer struct {
	t      *testing.T
	conn   net.Conn
	secret []byte
	seq    uint64
}

// newRekeyer shakes hands, and takes over from Go then.
func newRekeyer(t *testing.T, addr net.Addr) *rekeyer {
	t.Helper()
	var keys bytes.Buffer
	conn := dial(t, addr).conn
	c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, KeyLogWriter: &keys})
	if err := c.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.ConnectionState().CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skip("another cipher")
	}
	_, line, _ := strings.Cut(keys.String(), "CLIENT_TRAFFIC_SECRET_0 ")
	secret, err := hex.DecodeString(strings.Fields(line)[1])
	if err != nil {
		t.Fatal(err)
	}
	return &rekeyer{t: t, conn: conn, secret: secret}
}

// expand is HKDF-Expand-Label (RFC 8446, 7.1).
func (r *rekeyer) expand(label string, n int) []byte {
	label = "tls13 " + label
	info := append(binary.BigEndian.AppendUint16(nil, uint16(n)), byte(len(label)))
	out, err := hkdf.Expand(sha256.New, r.secret, string(append(append(info, label...), 0)), n)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// write writes a record; the error is that the other side has closed.
func (r *rekeyer) write(kind byte, text []byte) error {
	block, err := aes.NewCipher(r.expand("key", 16))
	if err != nil {
		r.t.Fatal(err)
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		r.t.Fatal(err)
	}
	nonce := r.expand("iv", seal.NonceSize())
	for i, b := range binary.BigEndian.AppendUint64(nil, r.seq) {
		nonce[len(nonce)-8+i] ^= b
	}
	r.seq++
	head := binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(len(text)+1+seal.Overhead()))
	_, err = r.conn.Write(seal.Seal(head, nonce, append(bytes.Clone(text), kind), head))
	return err
}

// rekey changes this side's keys, and asks for a change of the other's (RFC 8446, 4.6.3).
func (r *rekeyer) rekey() error {
	err := r.write(22, []byte{24, 0, 0, 1, 1})
	r.secret, r.seq = r.expand("traffic upd", sha256.Size), 0
	return err
}

// Who asks for new keys with each byte of his CONNECT is answered a few times, and thrown out: with the answers, which he
// need not read, he would have the gateway wait for him.
func TestTLS_keysWithoutEnd(t *testing.T) {
	r, _ := startTLS(t, nil)
	good := login{user: "pi1", password: "hunter-pi1"}.bytes()
	for changes, in := range map[int]bool{3: true, len(good): false} {
		c := newRekeyer(t, r.AddrTLS())
		ended := false
		for n, b := range good {
			if n < changes {
				ended = ended || c.rekey() != nil
			}
			ended = ended || c.write(23, []byte{b}) != nil
		}
		records, head := 0, make([]byte, 5)
		for ; records < changes+1; records++ { // the answers, and the CONNACK
			if _, err := io.ReadFull(c.conn, head); err != nil {
				break
			}
			if _, err := io.CopyN(io.Discard, c.conn, int64(binary.BigEndian.Uint16(head[3:]))); err != nil {
				break
			}
		}
		if in != (records == changes+1) || records > 33 || ended && in {
			t.Errorf("%d changes: got %d answers", changes, records)
		}
	}
}
