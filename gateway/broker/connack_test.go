package broker_test

import "testing"

// rawConnect is a CONNECT with these flags; the fields behind the keep-alive as they are.
func rawConnect(name string, level, flags byte, fields ...string) []byte {
	body := append(text(name), level, flags, 0, 60)
	for _, f := range fields {
		body = append(body, text(f)...)
	}
	return packet(0x10, body)
}

// A client of MQTT 3.1.1 gets no code but that version's, whatever is wrong with its CONNECT, and the log says what.
func TestBroker_connack_ofItsVersion(t *testing.T) {
	const user, password, will, clean = 0x80, 0x40, 0x04, 0x02
	const none = -1
	for name, tt := range map[string]struct {
		connect []byte
		code    int
		why     string
	}{
		"an empty password": {rawConnect("MQTT", 4, user|password|clean, "pi1", "pi1", ""), 5, "no password was sent"},
		"no password":       {rawConnect("MQTT", 4, user|clean, "pi1", "pi1"), 5, "no password was sent"},
		"an empty will": {
			rawConnect("MQTT", 4, user|password|will|clean, "pi1", "pi/pi1/status", "", "pi1", "hunter-pi1"), 0, "",
		},
		"an empty retained will": {
			rawConnect("MQTT", 4, user|password|will|0x20|clean, "pi1", "pi/pi1/status", "", "pi1", "hunter-pi1"), 0, "",
		},
		"no client id, no clean session": {
			rawConnect("MQTT", 4, user|password, "", "pi1", "hunter-pi1"), 2, "no client id",
		},
		"no client id, a clean session": {rawConnect("MQTT", 4, user|password|clean, "", "pi1", "hunter-pi1"), 0, ""},
		"the reserved flag":             {rawConnect("MQTT", 4, user|password|clean|1, "pi1", "pi1", "hunter-pi1"), none, "does not allow"},
		"a retained will that is none": {
			rawConnect("MQTT", 4, user|password|clean|0x20, "pi1", "pi1", "hunter-pi1"), none, "does not allow",
		},
		"a will of QoS 3": {
			rawConnect("MQTT", 4, user|password|will|0x18|clean, "pi1", "x", "x", "pi1", "hunter-pi1"), none, "does not allow",
		},
		"another protocol": {rawConnect("MQTX", 4, user|password|clean, "pi1", "pi1", "hunter-pi1"), none, "does not allow"},
		"level 6":          {rawConnect("MQTT", 6, user|password|clean, "pi1", "pi1", "hunter-pi1"), 1, "protocol level 6"},
		"level 3":          {rawConnect("MQTT", 3, user|password|clean, "pi1", "pi1", "hunter-pi1"), 1, "protocol level 3"},
		"level 0":          {rawConnect("MQTT", 0, user|password|clean, "pi1", "pi1", "hunter-pi1"), 1, "protocol level 0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			c := dial(t, r.Addr())
			c.send(tt.connect)
			kind, body, err := c.read()
			got := none
			if err == nil && kind == connack && len(body) == 2 {
				got = int(body[1])
			}
			if got != tt.code {
				t.Errorf("got code %d (packet type %d, body %v, err %v), want %d", got, kind, body, err, tt.code)
			}
			if got == 0 {
				c.wantNothing()
				return
			}
			if got != none {
				c.wantClosed()
			}
			r.log.Want(t.Context(), t, "connection refused", tt.why)
		})
	}
}
