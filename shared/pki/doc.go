// Package pki reads and makes what TLS needs. Its one promise: what cannot work is told before the first connection, by
// an error that names the file and says what to do.
//
// # To AWS
//
// Files are a certificate folder as AWS IoT hands it out, MakeAWS makes one for a stand-in of AWS, NewRequest a key and
// the request to have it signed.
//
// # On the LAN
//
// A gateway has an Authority of its own, and a device has a key. Neither knows the other by a name or by an address,
// which change, nor trusts a clock, which a Raspberry Pi does not have: they know each other by the Sum of a public key.
//
//   - A device is its key. The certificate around it is its own signature and says nothing, so nothing of a device
//     expires. The gateway's list of sums says who it is, and who was it once.
//   - A gateway is the key of its authority, whose sum is the pin that devices keep. The authority signs one thing only,
//     the gateway's server certificate, which is made anew as addresses come and go.
//
// Pinned is the device's side. A device's key can never act as a gateway: no authority has signed it, and what an
// authority has signed must be for servers and for a name that is made of the pin. Programs that check an address
// instead, as mosquitto_pub does with --cafile, find the gateway's names and addresses in the same certificate.
//
// The certificates are valid from 1970 to 2099, the times between which OpenSSL, too, can say that they are. ca.key is
// the one file that must not be lost. It is written to a file of another name, which is synced, linked to its own (which
// fails if something has that name) and made durable with its folder; ca.crt and server.* are written after it, so that
// their being there without it is a loss and never the beginning of one.
package pki
