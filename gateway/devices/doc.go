// Package devices is the list of who may connect.
//
// Its promise: nobody is let in but a device on the list with its key or its password; a revoked key is never an unknown
// one again; and no password and no token can be read from the list.
// The list is a small file of its own, so that it outlives a damaged queue; it is replaced as a whole, never half
// written.
//
// While a process has the list, its memory is the truth, and the file follows. A file that is gone, cut off or damaged
// meanwhile is written again; one that another program put in its place is left alone, and Add refuses until the list
// is opened again. Where the file cannot be written, Add, Invite and Join change nothing, and Remove and Revoke lock the
// device out at once: Save brings that to the disk as soon as it can.
//
// # Keys
//
// A device is a key, as in SSH: the list has the SHA-256 of it. Nothing expires, so nothing needs renewal or a right
// clock. It has a key, or a password, or is revoked; one of the three. Keys that were revoked, replaced or removed stay in
// the list for ever (`revoked_keys`), whoever gets the name: a mark counts more than an entry. An id (16 random bytes)
// survives renaming; a list from before ids gets them when it is next written, made of name and password, so that they
// are the same at each start until then. Its devices may be plain, as they always could.
//
// An invitation is good for one hour by the clock that nobody sets (CLOCK_BOOTTIME), and after a restart of the machine
// only by a clock on the wall that was right then and is right now. It is bound to the first key that comes with its
// secret: that key gets the same answer again, for as long as it is the device's, so that a power cut on either side ends
// in joined or in nothing. An invitation to replace is bound to the device's id, so renaming does not void it; revoking
// and removing do. At most 100 are open.
//
// # A file of its own
//
// The list is `devices.json`, replaced as a whole (temporary file, fsync, rename, fsync of the folder). A damaged
// queue can then be moved away without locking every Pi out, and `device add` works on a stopped gateway without
// opening the store. What root makes in the data folder is the folder owner's, and root follows nothing that was
// planted there (`shared/files/owner.go`). A removed device is locked out at once, whatever the disk says, and the
// gateway tries every half minute to bring the disk to what it goes by; at its start it writes the list anew, as the
// disk may never have got it. A file that is gone or damaged meanwhile is written again; a list that another program
// put there is left alone, and nothing is added until the next start. Passwords are random with 128 bits or more, so a
// plain SHA-256 of them is kept. Names that were taken from devices, or given to them, stand in the file until the store
// of claims has heard of them, also where the gateway was stopped (`changes`). The data folder is locked with flock: one
// gateway, or one command on a stopped one.
package devices
