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
// its name. In the cloud the name is all that tells devices apart, so it has an owner: a name that ends in `(X)`
// belongs to the device X if there is one, any other to the device that used it first. First uses are claims, kept in
// the store in the transaction of the samples they came with. Until that is done nobody is refused by a claim: the
// message is not answered, and comes again; a claim whose transaction failed is taken back.
//
// `max_metrics` bounds the metrics of a device, which are names with a unit, since each has a price. The claims in the
// store outlive a restart and count at once, but tell no units: a name that was claimed before keeps all of its units,
// more of them than the bound too. Names in brackets are no claims, and count from their first use in this process.
package names
