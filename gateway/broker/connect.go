package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"piway/shared/sample"
)

// Keep-alives are clamped to these seconds. The library computes 1.5 times of it in 16 bits, so that 0 would mean no
// deadline and 43691 one that has passed. The longest is AWS IoT Core's own.
const minKeepAlive, maxKeepAlive = 10, 1200

// OnConnect judges the CONNECT packet and lets a device in that has its key or knows its password. An error closes the connection,
// without a CONNACK unless it was sent here.
func (h *hook) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	s, ok := cl.Net.Conn.(*session)
	if !ok {
		return errors.New("not a connection of this broker")
	}
	// MQTT 5 is answered by the book, 0x84. The library would also panic on a cut-off SUBSCRIBE of version 5.
	if pk.ProtocolVersion != 4 {
		return h.refuse(cl, packets.ErrUnsupportedProtocolVersion, badVersion(pk.ProtocolVersion))
	}
	if err := h.judge(s, cl, pk); err != nil {
		return err
	}
	device := s.device
	switch err := h.b.admit(s); {
	case errors.Is(err, net.ErrClosed):
		return err // the device was removed meanwhile
	case err != nil:
		return h.refuse(cl, packets.ErrServerUnavailable, err, "user", device)
	}
	// A will passes neither ACL nor OnPublish. Nobody may read it, and many programs set one that cannot be switched off.
	cl.Properties.Will = mqtt.Will{}
	cl.State.Keepalive = min(max(cl.State.Keepalive, minKeepAlive), maxKeepAlive)
	if pk.Connect.Keepalive == 0 {
		cl.State.Keepalive = maxKeepAlive
	}
	// The library knows no two sessions by one id, so it takes none over: admit does, within the device. A session ends
	// with its connection.
	cl.ID = device + "/" + cl.ID + "#" + strconv.FormatInt(h.b.ids.Add(1), 10)
	cl.Properties.Clean = true
	return nil
}

// judge finds out which device this is: by its key, else by user name and password. A revoked key is refused whatever
// the password. The one code here is what the library turns into MQTT 3.1.1's "not authorised"; the others of MQTT 5 it
// sends as they are.
func (h *hook) judge(s *session, cl *mqtt.Client, pk packets.Packet) error {
	code := packets.ErrBadUsernameOrPassword
	user := string(pk.Connect.Username) // a claim until it is judged
	device, isRevoked := h.b.deviceOf(s)
	switch {
	case isRevoked:
		return h.refuse(cl, code, errors.New(revoked), "device", device, "try", revokedTry)
	case device != "":
		s.identify(device, topicName(user, device), cl)
		// Who changed the list before identify did not find this session.
		if again, isRevoked := h.b.deviceOf(s); again != device || isRevoked {
			return fmt.Errorf("the device was removed or renamed meanwhile: %w", net.ErrClosed)
		}
		return nil
	}
	s.identify(user, user, cl)
	if user != "" && h.b.cfg.Authenticate(user, string(pk.Connect.Password), s.secure) {
		return nil
	}
	args := []any{"user", user}
	if !s.secure && h.b.cfg.ListenTLS != "" {
		args = append(args, "try", "piway-gateway device list; without TLS only those of kind plain are let in")
	}
	return h.refuse(cl, code, errors.New(wrong(pk)), args...)
}

// wrong says what of a login is wrong, or missing.
func wrong(pk packets.Packet) string {
	switch {
	case len(pk.Connect.Username) == 0:
		return "no user name was sent"
	case len(pk.Connect.Password) == 0:
		return "no password was sent"
	}
	return "wrong user name or password"
}

// topicName is the name in the topics of a device that is known by its key: the user name, so that an agent whose device
// was renamed since goes on to work. What it sends is the device's, whatever the name.
func topicName(user, device string) string {
	if sample.IsDeviceName(user) {
		return user
	}
	return device
}

// OnConnectAuthenticate lets in whom OnConnect admitted.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, _ packets.Packet) bool {
	s, ok := cl.Net.Conn.(*session)
	return ok && s.admitted
}

func badVersion(v byte) error { return fmt.Errorf("protocol level %d, only MQTT 3.1.1 is spoken", v) }

// refuse answers a CONNECT with a code and gives the reason to the log.
func (h *hook) refuse(cl *mqtt.Client, code packets.Code, why error, args ...any) error {
	h.refused(cl, why, args...)
	if err := h.b.server.SendConnack(cl, code, false, nil); err != nil {
		return err
	}
	return why
}

// refused tells of a refusal, a kind for each address and reason.
func (h *hook) refused(cl *mqtt.Client, why error, args ...any) {
	host := ""
	if s, ok := cl.Net.Conn.(*session); ok {
		s.shutting.Store(true)
		host = s.Host()
	}
	args = append([]any{"remote", cl.Net.Remote, "why", why}, args...)
	h.b.log.Tell(slog.LevelWarn, host+" "+why.Error(), "connection refused", args...)
}

// OnPacketEncode keeps from the wire what MQTT 3.1.1 does not have: the library's DISCONNECT, and the codes of MQTT 5
// with which it refuses a CONNECT before it asks.
func (h *hook) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	switch {
	case pk.FixedHeader.Type == packets.Disconnect:
		_ = cl.Net.Conn.Close() // as the library does next
	case pk.FixedHeader.Type == packets.Connack && cl.Properties.ProtocolVersion != 5 && pk.ReasonCode > lastCode:
		pk.ReasonCode = h.plainCode(cl, pk.ReasonCode)
	}
	return pk
}

// lastCode is the highest return code of a CONNACK (MQTT 3.1.1, table 3.1).
const lastCode = 5

// plainCode returns the code of MQTT 3.1.1 for one of MQTT 5, and logs why. Where there is none the connection is
// closed without an answer [MQTT-3.1.4-1].
func (h *hook) plainCode(cl *mqtt.Client, code byte) byte {
	switch {
	case cl.Properties.ProtocolVersion != 4: // also a mosquitto bridge, which tries level 0x84 before 4 [MQTT-3.1.2-2]
		h.refused(cl, badVersion(cl.Properties.ProtocolVersion))
		return packets.Err3UnsupportedProtocolVersion.Code
	case code == packets.ErrUnspecifiedError.Code: // [MQTT-3.1.3-8]
		h.refused(cl, errors.New("no client id, and no clean session"))
		return packets.Err3ClientIdentifierNotValid.Code
	}
	h.refused(cl, errors.New("a CONNECT that MQTT 3.1.1 does not allow"))
	_ = cl.Net.Conn.Close() // nothing was promised
	return packets.Err3ServerUnavailable.Code
}

// allowed mends what MQTT 3.1.1 allows in a CONNECT and the library refuses: an empty password, which is judged later,
// and a will without a payload, which nobody hears anyway.
func allowed(pk packets.Packet) packets.Packet {
	c := &pk.Connect
	c.PasswordFlag = c.PasswordFlag && len(c.Password) > 0
	if c.WillFlag && c.WillTopic != "" && len(c.WillPayload) == 0 {
		c.WillFlag, c.WillRetain = false, false
	}
	return pk
}

// admit lets a session of a device in. It takes the place of one with its client id [MQTT-3.1.4-2]. Of too many, the
// one that has been silent for longest goes: a device that comes again must not be kept out by its own dead sockets,
// and these are the most silent.
func (b *Broker) admit(s *session) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var same, stale *session
	connected := 0
	for o, in := range b.sessions[s.device] {
		if !in {
			continue
		}
		connected++
		if o.id == s.id {
			same = o
		}
		if stale == nil || o.heard.Load() < stale.heard.Load() {
			stale = o
		}
	}
	switch {
	case same != nil:
		b.takeOver(same, s)
	case connected >= maxPerDevice:
		if b.drop(stale) {
			b.log.Tell(slog.LevelWarn, s.device, "too many connections of a device; the most silent is closed",
				"device", s.device, "most", maxPerDevice, "closed", stale.RemoteAddr(), "new", s.RemoteAddr())
		}
	}
	if err := s.Admit(); err != nil {
		return err
	}
	s.admitted = true
	b.sessions[s.device][s] = true
	return nil
}

// takeOver closes a session for another one with its client id. From one address it is a client that connects again,
// from two it may be two machines with one name. b.mu is held.
func (b *Broker) takeOver(old, by *session) {
	level, subject := slog.LevelInfo, by.device
	if old.Host() != by.Host() {
		level, subject = slog.LevelWarn, by.device+" elsewhere"
	}
	if b.drop(old) {
		b.log.Tell(level, subject, "connection taken over by one with the same client id",
			"device", by.device, "client_id", by.id, "closed", old.RemoteAddr(), "new", by.RemoteAddr())
	}
}

// drop closes a session and forgets it; false means that it was closed already. b.mu is held.
func (b *Broker) drop(s *session) bool {
	delete(b.sessions[s.device], s)
	return s.shut()
}
