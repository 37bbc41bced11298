// Package join makes this machine a device of a gateway, by the token that the gateway's invitation printed. Its one
// promise: whenever it is ended, by SIGKILL or by a power cut, the machine is a device of the gateway or is as it was
// before, and the same command again finishes it.
//
// The order is what the promise rests on:
//
//  1. The device's key is on disk, behind an fsync, in a file that has the name of the invitation's id.
//  2. The gateway binds the invitation to that key. It gives the same key the same answer, however often it asks.
//  3. The configuration that names key, pins and addresses takes the old one's place, behind an fsync.
//  4. Keys of earlier invitations, which no configuration names any more, are removed.
//  5. A report is sent with the new configuration.
//
// So a command that was ended before 3 finds the key of 1 and asks again with it; one that was ended later finds its
// work in the configuration, and asks for nothing. The token is kept nowhere: its secret is in no file, and goes to
// nobody whom the pin has not proved to be the gateway. No clock is asked, and no server but the gateway.
package join
