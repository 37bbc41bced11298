// Package join answers devices that join by an invitation: one HTTP request on a connection that the broker hands over.
//
// Its one promise: who has the right token of an open invitation gets in, whatever others do; who has not gets nothing
// and can neither learn whether there is such an invitation nor keep anybody else out. A 200 says that the device's key
// is on the gateway's disk. Nothing else than that it is so says it: after any other answer, or none, the device asks
// again with the same key.
//
// # The request
//
// POST /join in HTTP/1.1 with a body of at most 4 KiB (shared/pairing), its header of some 4 KiB within 5 s, all of it
// within 10 s; after 15 s the connection is closed. One request is answered on a connection. 64 connections may be sending
// theirs; one more takes the place of the oldest of the address that has most of them. Requests that are whole wait for
// the disk, up to 256 of them.
//
// # Wrong tokens
//
// A secret is 128 random bits, and an id 48: no limit is needed against guessing all of it. There are two, for other
// reasons, and none counts right tokens, so that 300 devices behind one address may join at once.
//
// From one address (IPv6: /64) ten wrong tokens or broken requests may come at once, and one more each 6 s. Further ones
// are answered with 429 and a Retry-After, the same for all that is wrong. A right token is taken all the same: where the
// gateway is in a container, or behind NAT, guests and devices have one address, and a guest who sends nonsense would
// keep everybody out. To look costs a hash, and the handshake before it a thousand times that.
//
// After five wrong secrets a token is void, and the log says so: its right secret is refused too. That is against who
// knows a part of it, from a photograph or over a shoulder: the id stands in front. Who has not seen the line cannot name
// the id, so he cannot make a token void. It is never a matter of a device's name: whoever knows that one keeps nobody
// out, and a new invitation for it has another id. What is void is kept in memory; after a restart of the gateway there
// are five more tries.
//
// An unknown id and a wrong secret get the same answer. Each kind of refusal is told once for each address, and then
// counted (shared/tell). Both tables are bounded and forget what was longest ago.
package join
