// Package broker is the MQTT 3.1.1 server on the LAN, and the only importer of the broker library.
//
// Its promise: a publish is acknowledged when, and only when, its receiver says so; nobody gets in whom the
// configuration does not name; and no client can stop the others. It forwards nothing: what a device is told is the
// gateway's own.
//
// # The door
//
// Who has not logged in waits in a pool of its own (`shared/guard`): 256 in all, 16 of one IPv4 address or IPv6 /64,
// a CONNECT of 4 KiB within `connect_timeout`. The oldest that has not sent its CONNECT makes room, so nobody is kept
// out by sockets that others hold open. An address that has devices logged in is bound by the 256 only: behind
// Docker's proxy all have one. The library sees a connection when its CONNECT is whole.
//
// There are two doors, within one set of bounds. TLS is always spoken at one. The other, without, is listened on while
// `Config.Plain` says that a device needs it, and lets in only whom `Authenticate` lets in so; when it closes, so do its
// connections. A plain port that is taken is told and tried again, and costs TLS nothing.
//
// # Who is who
//
// A client with a key that `Identify` knows is that device, whatever user and password it gives. A revoked key is
// refused in the handshake, and again at its CONNECT, and no password helps. Any other certificate says nothing, and
// neither has none: then user and password count. A session is never resumed, since that would not look at the key
// again. The key is looked at once more when Disconnect would find the session, so who revokes, removes or renames a
// device and then calls Disconnect is rid of every connection of it.
//
// A session of a key writes to and reads the topics of its user name, where that can be a device's, and what it sends is
// the key's device's: an agent whose device was renamed goes on to work, and nothing of it is acknowledged and dropped.
//
// Who offers the protocol piway-join/1 (ALPN) is handed to `Join`, and is one of those who wait until it returns.
//
// # Connections
//
// A device has eight connections. A ninth gets in and the one that has been silent for longest goes: a refusal would
// lock an agent out behind its own half-open sockets, and the oldest may be the agent itself. One with the client id
// of another takes its place, within the device. Only who knows the password does either.
//
// A publish to a topic that is not the device's costs that message: it is acknowledged, dropped, counted and told
// once. Other software publishes discovery topics first and would never get to its readings. This goes for topics too
// that the library drops without an answer or ends the connection for. Wills are accepted and dropped.
//
// What a client can cause is logged by `shared/tell`: the first of a kind for each device or address, then a count.
//
// # Acknowledging
//
// A client's reader must not stand still for an fsync: then one client would get one message per commit. So:
//
//  1. The session reads the reports itself (`gateway/broker/report.go`); of other publishes the broker library calls
//     `OnPublish` (hook.go), which returns "send nothing". Either takes one of the session's `max_pending` places, and
//     room for the message's bytes, and hands the message on; the reader goes on. Without a free place or room the
//     reader waits, and TCP holds the client back.
//  2. The intake judges; `Append` puts the entry into the writer's channel, in the order of arrival.
//  3. The writer takes what has gathered. If that is more than one it waits for company, up to 2 ms, until there are
//     128 or nobody comes for a quarter of a millisecond; a lone sender is not kept waiting. One transaction, one
//     fsync, then every `done` is called in order. `commit_interval` spaces the transactions further.
//  4. `done(nil)` appends four bytes to the session's buffer, in which a refusal of the same message stands already.
//     One flush goroutine per session, started when there is something and ended when there is not, writes what has
//     gathered. So `done` never blocks the writer, and a client that does not read costs only itself; the keep-alive's
//     deadline on the connection bounds the write.
//  5. `done(err)` closes the connection. Nothing was acknowledged, so the client connects and sends again.
//
// The bytes of what has arrived and is not answered are bounded: 1 MiB of one device on all its connections, and 64 MiB
// in all (`gateway/broker/flight.go`). Who finds no room waits in the line of its own device first, so it holds nothing
// that others wait for; a message that is larger than the bound goes alone. Room comes back with `done`, whatever the
// outcome. While a reader waits no keep-alive ends its connection. From `Append` on, the payload and the samples are
// gone: the queue holds the row that it will write, and the wiring the claims.
//
// The PUBACK bytes are written to the connection directly, not through the library's writer: that path costs as much
// as all the rest of a publish. It is safe because each `Write` of a `net.Conn` is whole, so the bytes cannot land
// inside another packet.
//
// A message that is refused whole goes the same way: its PUBACK waits until the count of its refusal is on disk. QoS 2
// is handled synchronously, because the library answers it when the hook returns. QoS 0 is stored too, and
// acknowledged to nobody.
//
// # Traps in crypto/tls
//
//   - VerifyClientCertIfGiven ends the handshake of a script that has AWS's certificate: secure.go asks for one and
//     judges it itself.
//   - With NextProtos Go refuses every client that offers other ones, as many do with "mqtt": they are set only for who
//     offers ours.
//   - VerifyConnection runs before the client has proved that it holds its key: what it is let in for is asked behind the
//     handshake.
//   - A Conn keeps its peer's certificates, 4 KiB and more: readKey empties them.
//   - Close waits up to five seconds on a client that does not read: shared/guard closes the socket.
//
// # Traps in mochi, and their guards
//
//   - It acknowledges and forwards what a hook refuses, for all errors but two: hook.go returns only these two.
//   - One failed Accept ends the listener, sockets are not counted, nothing bounds the time before CONNECT, and a
//     panic ends the process: shared/guard stands in front, and door.go hands its connections on.
//   - An unknown protocol level is refused with a code of MQTT 5, before any hook is asked: OnPacketEncode in
//     connect.go puts it right.
//   - A cut-off SUBSCRIBE of MQTT 5 panics: connect.go refuses every version but 3.1.1, with 0x84.
//   - A will passes neither the ACL nor OnPublish: connect.go drops it.
//   - The keep-alive is computed in 16-bit arithmetic: connect.go clamps it to 10 to 1200 s.
//   - Client ids are global, so one device could take another's session: connect.go gives each session an id of its
//     own, and takes over within a device.
//   - A denied publish ends the connection, one to $SYS has no answer: hook.go takes the topic away and acknowledges.
//   - It writes a DISCONNECT, which MQTT 3.1.1 has for clients only: OnPacketEncode closes the connection first.
//   - Any hook that allows opens all: there is one hook, and it denies by default.
//   - Packet size, sessions and writes are unbounded, and $SYS is published every second: newServer in broker.go.
//   - Close hangs on a socket that has not spoken, and on a read lock taken twice when a client leaves meanwhile:
//     broker.go closes the guard first, and door.go does not call the library back.
//   - The library's log may hold passwords and payloads: log.go.
package broker
