// Package pairing is what a gateway and a device that is not known yet say to each other: the token that a person
// carries from one to the other, the request that the device sends, and the answer. Its one promise: what was made by
// this package is read as it was made, and anything else is an error that says what to do.
//
// # The token
//
// A token is "piw1." and, in base64url without padding (RFC 4648), these bytes:
//
//	 1  version: 1
//	 1  flags: 0; one that is not known makes the token one of a newer version
//	 6  id of the invitation
//	16  secret
//	32  pin: the sum of the key of the gateway's authority
//	..  no to three addresses: what the first byte says, and a port (2 bytes, the higher first)
//	      1 to 253: that many bytes of a name
//	      254: 4 bytes of IPv4     255: 16 bytes of IPv6
//	 4  CRC-32 (IEEE) of all bytes before, the highest first
//
// That is 95 characters with one IPv4 address, 104 with two, 113 with three, and never more than 1,109. The CRC is
// against typing errors; against an attacker stand the secret and the pin. Whoever has the token of an invitation that
// is open can join in its name; nobody can act as the gateway by it.
//
// # Joining
//
// The device connects by TLS 1.3, ALPN "piway-join/1", to the port at which the gateway's devices connect, and goes on
// only if the server is proved by the pin (pki.Pinned): nobody else gets the secret. Then it sends one HTTP request,
// POST /join, whose body is a Request in JSON. The answer of status 200 is an Answer in JSON; another is plain text that
// says what to do. A device that has no answer may ask again with the same key, and gets the same answer.
package pairing
