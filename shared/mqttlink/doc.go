// Package mqttlink is one MQTT 3.1.1 connection that never lies about delivery:
// a publish counts as delivered when the broker's PUBACK came on this very connection, and never otherwise.
//
// A Link is a single connection. It does not reconnect and keeps nothing for a later one;
// when it is lost, every delivery still pending fails, and the owner connects anew and publishes again.
//
// # Traps in paho, and their guards
//
//   - After its automatic reconnect paho completes a publish without a PUBACK. So there is no reconnect and no store,
//     and each Link has a client of its own; delivery.go fails what is pending when the link is lost.
//   - paho takes a CONNACK code that it does not know for success: wire.go reads the code itself, refusal.go names it.
//   - paho parses the broker as a URL, in which the % of an IPv6 zone means something else: it gets a URL that says
//     nothing, and the socket from wire.go.
//   - paho hands on messages and PUBACKs in no order, and makes room for any length that a packet claims: incoming.go
//     reads packet by packet, up to 256 KiB.
//   - paho's tokens may never complete, and its sends may block: delivery.go bounds both, and the owners of a Link,
//     the uplink and the agent's publisher, have deadlines of their own.
package mqttlink
