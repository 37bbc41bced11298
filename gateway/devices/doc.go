// Package devices is the list of who may connect.
//
// Its promise: nobody is let in but a device on the list with its password, and no password can be read from the list.
// The list is a small file of its own, so that it outlives a damaged queue; it is replaced as a whole, never half
// written.
//
// While a process has the list, its memory is the truth, and the file follows. A file that is gone, cut off or damaged
// meanwhile is written again; one that another program put in its place is left alone, and Add refuses until the list
// is opened again. Where the file cannot be written, Add changes nothing, and Remove locks the device out at once:
// Save brings that to the disk as soon as it can.
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
// of claims has heard of them, also where the gateway was stopped (`changes`). The data folder is locked with flock: one gateway, or one command on a stopped one.
package devices
