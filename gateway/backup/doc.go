// Package backup takes a gateway's identity to another machine: its authority on the LAN, its device list and its
// configuration. Devices need no pairing again.
//
// Its promises: what Gather returns is whole, whether the gateway runs or not; Restore writes nothing unless all of it
// can be written, and nothing over what is there; killed at any moment, the same call completes it; nothing outside the
// folders that the configuration names is ever touched, whatever the archive says.
//
// # The archive
//
// A tar of plain files, the first of which is manifest.json: the format and its version, when it was made, and size and
// SHA-256 of each other file. The sums find damage, not forgery: whoever can write the archive is believed, as with a
// device list. It holds the authority's private key; docs/move.md says how to encrypt it.
//
//	manifest.json   gateway.yaml   devices.json   pki/ca.key …   aws/…   (only with the AWS key)
//
// # What is in it, and what not
//
// The device list is what the running gateway goes by, which may be ahead of its disk. Its changes that the store of
// metric names was not told yet stay in it. A new store knows none of these names, so they do nothing there; a store
// that was copied from the stopped gateway still has to be told. The queue is not in it: it is large, it changes all
// the time, and half of it would be sent twice. It can be copied from a stopped gateway.
//
// A device that was removed or revoked after the archive was made is on its list still. Restore says so, with the date:
// nothing on the new machine could know.
//
// # The order
//
// ca.key comes first: all other files of an authority are made from it, and a gateway that finds none would make
// another authority, which no device knows. Then the device list, the AWS key, and last the configuration.
package backup
