// Package rollup reduces the samples of a pass to the datums that go to CloudWatch.
//
// Its promises: a pure function, and a fair order. The same samples in the same order under the same settings give the
// same datums in the same order, so that the number of a datum means the same after a restart. Every sample is in
// exactly one datum. Nobody's newest window waits behind somebody else's older ones.
//
// # Whose turn it is
//
// The uplink is shared by device. In the first round each device has a turn with its newest window, in the second with
// the two before, then with four, and so on up to 64: what is a window or two late is soon its turn, and two backlogs of
// different days do not make a message of each window, since a message of the emf form spans a day at most. Within a
// round the turn with the newest window goes first, so that fresh datums of one message stay together, then devices by
// name. Within a turn go newer windows before older ones, and in a window datums by time, name and unit.
//
// # What is not reduced
//
// A rule may keep a metric from the cloud (none), and only a rule that has its name in full sends one that devices keep on
// the LAN: `StaysLocal` decides that for the intake, by the same rules and the same first match. A rule with wildcards
// alone may be older than the metric, whose price nobody asked for.
//
// # Memory
//
// What is gathered grows with metrics and windows, and a device has bounds. Up to MaxKept samples of a metric and window
// are kept as they are, under all and values; with one more, all of them become what thinning would make of them: one
// datum with their average under all, and as many values as go into one datum under values, with their minimum, maximum
// and average. The same happens beyond MaxDevice samples of a device in a pass. Beyond as many windows of its metrics,
// new ones are hours, and at last days. All of that goes by the order in which samples arrived, so it is the same each
// time, and no other device notices.
package rollup
