package bench_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"piway/proof/world"
	"piway/shared/pki"
)

// A benchClient speaks MQTT as cheaply as it can be spoken, to leave the machine to the broker.
type benchClient struct {
	name   string
	conn   net.Conn
	packet []byte
	id     uint16
	idAt   int
	seqAt  int // 0 in a message that has none
	seq    int64
	ack    [4]byte
}

var benchRun atomic.Int64

// dialAll connects devices to who says where it listens.
func dialAll(b testing.TB, p *world.Process, secure bool, passwords map[string]string) []*benchClient {
	b.Helper()
	if secure {
		return dialAt(b, p.AddrTLS(), secure, passwords)
	}
	return dialAt(b, p.Addr(), secure, passwords)
}

// dialAt connects devices; secure ones show a certificate too, as paired agents do.
func dialAt(b testing.TB, addr string, secure bool, passwords map[string]string) []*benchClient {
	b.Helper()
	run, dial := benchRun.Add(1), new(net.Dialer).DialContext
	if secure {
		cert, err := pki.MakeDeviceKey(filepath.Join(b.TempDir(), "device.key"))
		if err != nil {
			b.Fatal(err)
		}
		dial = (&tls.Dialer{Config: &tls.Config{
			InsecureSkipVerify: true, // who the broker is does not matter here
			Certificates:       []tls.Certificate{*cert},
		}}).DialContext
	}
	var clients []*benchClient
	for name, password := range passwords {
		conn, err := dial(b.Context(), "tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		c, err := benchLogin(conn, name, password, 2)
		if err != nil {
			b.Fatal(err)
		}
		c.compose(run, false)
		clients = append(clients, c)
	}
	return clients
}

// benchLogin connects; bit 1 of the flags is a clean session.
func benchLogin(conn net.Conn, name, password string, flags byte) (*benchClient, error) {
	connect := []byte{0, 4, 'M', 'Q', 'T', 'T', 4, 0xC0 | flags, 1, 0x2C} // user, password, 300 s
	for _, s := range []string{name, name, password} {
		connect = appendText(connect, s)
	}
	if _, err := conn.Write(append(header(0x10, len(connect)), connect...)); err != nil {
		return nil, err
	}
	c := &benchClient{name: name, conn: conn}
	if _, err := io.ReadFull(conn, c.ack[:]); err != nil || c.ack[3] != 0 {
		return nil, fmt.Errorf("CONNACK %v: %w", c.ack, err)
	}
	return c, nil
}

// compose makes the report that is sent each time: of an agent, or what a script of somebody's would say of the same.
func (c *benchClient) compose(run int64, script bool) {
	now := time.Now().Unix()
	c.seq = 1_000_000_000
	envelope := fmt.Sprintf(`"run":"%032d","seq":%d,"boot":"0f8e0f8e-0f8e-0f8e-0f8e-0f8e0f8e0f8e","uptime":5021.7,`+
		`"sent":%d.25,"clock":"synced",`, run, c.seq, now)
	if script {
		envelope = ""
	}
	payload := fmt.Sprintf(`{"device":%q,%s"samples":[`+
		`{"name":"disk usage /","unit":"Percent","value":61.25,"time":%[3]d},`+
		`{"name":"cpu usage","unit":"Percent","value":12.5,"time":%[3]d},`+
		`{"name":"cpu temperature","unit":"None","value":48.3,"time":%[3]d},`+
		`{"name":"memory usage","unit":"Megabytes","value":412.25,"time":%[3]d}]}`, c.name, envelope, now)
	topic := appendText(nil, "pi/"+c.name+"/samples")
	c.packet = append(header(0x32, len(topic)+2+len(payload)), topic...) // QoS 1
	c.idAt = len(c.packet)
	c.packet = append(append(c.packet, 0, 0), payload...)
	if c.seqAt = 0; !script {
		c.seqAt = bytes.Index(c.packet, strconv.AppendInt(nil, c.seq, 10))
	}
}

// leaveSession subscribes as one who would forward reports, and is away: what it has not heard a broker must keep.
func leaveSession(b testing.TB, addr string, secure bool) error {
	b.Helper()
	dial := new(net.Dialer).DialContext
	if secure {
		dial = (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext // as above
	}
	conn, err := dial(b.Context(), "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // what it asked for has been granted
	if _, err := benchLogin(conn, "forwarder", "anything", 0); err != nil {
		return err
	}
	subscribe := append(appendText([]byte{0, 1}, "pi/+/samples"), 1)
	if _, err := conn.Write(append(header(0x82, len(subscribe)), subscribe...)); err != nil {
		return err
	}
	var suback [5]byte
	if _, err := io.ReadFull(conn, suback[:]); err != nil || suback[4] != 1 {
		return fmt.Errorf("SUBACK %v: %w", suback, err)
	}
	_, err = conn.Write([]byte{0xE0, 0}) // DISCONNECT
	return err
}

// header is MQTT's fixed header, [MQTT-2.2.3].
func header(kind byte, n int) []byte {
	h := []byte{kind}
	for ; n >= 128; n /= 128 {
		h = append(h, byte(n%128)|128)
	}
	return append(h, byte(n))
}

func appendText(to []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(to, uint16(len(s))), s...)
}

func (c *benchClient) send() error {
	c.id = c.id%60000 + 1
	c.seq++
	binary.BigEndian.PutUint16(c.packet[c.idAt:], c.id)
	if c.seqAt > 0 {
		strconv.AppendInt(c.packet[c.seqAt:c.seqAt], c.seq, 10)
	}
	_, err := c.conn.Write(c.packet)
	return err
}

// roundTrip takes its time: a gateway may wait for more than a lone report before it commits.
func (c *benchClient) roundTrip() error {
	if err := c.send(); err != nil {
		return err
	}
	_, err := c.puback()
	return err
}

// puback waits for one, and returns whose it is.
func (c *benchClient) puback() (id uint16, err error) {
	if _, err := io.ReadFull(c.conn, c.ack[:]); err != nil {
		return 0, err
	}
	if c.ack[0] != 0x40 {
		return 0, fmt.Errorf("got packet %x, want a PUBACK", c.ack)
	}
	return binary.BigEndian.Uint16(c.ack[2:]), nil
}
