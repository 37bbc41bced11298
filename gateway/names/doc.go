// Package names knows how a sample is named in the cloud.
//
// Its promise: Base is the inverse of Report. What the template and the site put around a name comes off again where
// the device and the site are dimensions, and nothing else comes off.
//
// # Names and their owners
//
// A device is its MQTT user name, which it proves by password; what a payload calls itself is not looked at. It may
// write `PREFIX/DEVICE/samples`, `PREFIX/DEVICE/status` and the script topics, and read `PREFIX/DEVICE/rejected` and
// `PREFIX/DEVICE/config`. A sample of a report becomes `NAME (DEVICE)` by `intake.name_template`; a bare sample keeps
// its name. In the cloud the name is all that tells devices apart, so it has an owner. What the template makes for a
// device that exists is reserved for it, and so is what ends in `(X)` for the device X; any other name belongs to the
// device that used it first. Two devices of which the template may make one name (`a.b.cpu` is of `a` and of `a.b`)
// share it in that way. First uses are claims, kept in the store in the transaction of the samples they came with.
// Until that is done nobody is refused by a claim: the message is not answered, and comes again; a claim whose
// transaction failed is taken back.
//
// Ownership knows no case and no space around a name: who owns `CPU` owns `cpu` too, though CloudWatch keeps both.
// Where two devices owned such a pair before this was so, each keeps its own; a third spelling is for those two. A
// reserved name counts in the device's own case first, so `Kitchen` and `kitchen` keep apart; who claimed it in another
// case keeps it.
//
// A claim lasts as long as its device. `device remove` frees all of a device's, with `--metric` one, and `device
// rename` hands them on, with what was seen of its reports. While the list changes no message is judged. The list and
// what the store has to be told of it are one file, so a kill leaves both or neither, and the start does again what the
// store may not have: it comes to the same. It also forgets the claims of devices that somebody took off the list. What
// a removed device left in the queue is sent; of a renamed one it goes under the old name.
//
// `max_metrics` bounds the metrics of a device, which are names with a unit, since each has a price. They are kept in the
// store when they are new and once an hour while they are sent, with their newest value, so the bound and `device show`
// outlive a restart. A name that was claimed before they were kept keeps all of its units, more of them than the bound
// too. Samples that stay on the LAN are none of these metrics.
package names
