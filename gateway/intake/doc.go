// Package intake judges what devices send.
//
// Its promise: one function, Judge, decides for each sample of a payload whether CloudWatch will take it, in whose name
// and at what time. What it refuses is refused with the sample, the field, the value and the fix, and never costs the
// other samples of the message; so nothing that AWS would refuse enters the queue.
//
// # Clocks
//
// A Raspberry Pi has no battery for its clock. The agent says whether its kernel calls the clock synchronised
// (`clock`) and stamps `sent` anew at every transmission. The gateway never shifts a report whose clock is
// synchronised: an old `sent` is then a delay. For any other it finds out how far the clock was off
// (`gateway/intake/date.go`), and if that is more than `clock_tolerance` the samples are shifted by it, and counted in
// the ledger:
//
//  1. `uptime` at the newest sample and `sent_uptime` at the transmission, if both are of one `boot`: exact, however
//     the clock was set in between;
//  2. `uptime` alone, where another report has told when that boot began. This dates what was read without a clock and
//     is sent after the next boot; when a boot began is kept in the store, for the last 16 of a device;
//  3. `sent`, which is the clock of the samples: after another boot the agent leaves it out.
//
// How long a report was under way is not known, but never negative: of all that told when a boot (or, by `sent`, a
// clock) began the smallest is right (`gateway/intake/beginning.go`), so a link that stood still shifts nothing. It is
// kept on the gateway's clock since its boot, which nobody sets: a step of the wall clock does not touch it. It may
// grow by 200 ppm, as two quartz clocks part by up to 100 ppm (8.6 s a day); and if nothing comes near it for an hour
// it is given up. On disk it is written again when it has moved by two seconds. After a start what was kept is
// believed if a delay can explain the difference, up to 16 minutes.
//
// If nothing of that is there, the samples are refused as `no clock`, as is what is then still before 2020; more than
// two hours ahead is refused as `future`; older than CloudWatch takes (14 days, less ten minutes) expires at the
// uplink. All of that goes by the gateway's own clock, so until the kernel says that this one is synchronised
// (`shared/clock`) nothing is shifted, refused or expired by time. What was ahead then is found by the forwarder, before
// anything of it is sent, and expires as `more than 2 h in the future`. A sample without a time counts as taken at its
// arrival. Samples are stored as received, with the shift, `boot`, `uptime` and both of the gateway's clocks beside
// them.
//
// When the gateway's clock becomes right, what came before is dated again (`gateway/queue/dating`). A report that
// came by a clock not known to be right keeps CLOCK_BOOTTIME at its arrival and the run of the machine
// (`report.host`); that clock and the right one say when it arrived, and the intake is asked once more for its shift.
// A pass of which something was sent stays as it is, since its numbers must. A run of the machine that ended before
// its clock was right is dated by its own clock where that may have been right, else as if the machine had started
// again at once. Until it is dated a pass is not sent, up to a minute after AWS was first reached (`undatedFor`): with
// the internet there, a time service needs seconds; where the kernel never calls the clock right, it is then sent by
// the times that there are. The grace is no shorter than the tolerance, so that a clock off by some seconds does not
// split a window. How long something takes (silence, backoff, the watchdog) is never told by the wall clock, and a
// test looks for code that does (`shared/clock/durations_test.go`). With `rule_has_timestamp: false` only fresh datums
// are sent: such a rule shows all at "now".
//
// # Allowance
//
// AWS bills datums, and the uplink sends so many a second, so a device has an allowance of them (`allowance.go`). A
// sample takes a datum from it where it is the first of its metric and window to arrive in a window; all others go into
// the datum that is made anyhow, and so do those of the present window and the one before it, for which a report may be
// late. The allowance is 16 days of each metric's windows, which are a backlog of 14 days and what is sent twice
// meanwhile. Two windows of each metric come back in each, and all of it with a restart. What exceeds it is refused as
// `rate`, before it is acknowledged. `intake.max_metrics` bounds the metrics, and so what a device can cost. However often
// a device reads and however long it was offline, it does not get there, nor does one whose clock steps now and then.
//
// # What stays on the LAN
//
// Samples that came as local, or that a rule keeps (`reduce: none`), are counted and go no further: the newest of each
// name is in memory (`local.go`), 200 names of a device, and a name that did not come for an hour makes room for a new
// one. They are not dated, owned, paid for or counted as metrics. A local sample that a rule names is judged as any
// other, and its name is kept with the device's metrics; the device is told (`Wanted`) and sends it among the others from
// then on, which its spool keeps. Until then, and by an agent that has started since and not reached the gateway yet, it
// is not kept through an outage. What a rule says of a name is looked up once.
//
// What a device says of itself (`attributes.go`) is in memory too. Another serial number or card is told with both
// values; a change while the gateway starts anew is not noticed.
//
// # Limits
//
//   - Reports of a boot whose clock became right only later, sent after the next boot, go oldest first: the first are
//     refused as `no clock`, though those behind them would have told when that boot began.
//   - A gateway's clock that is called right and is off by less than 16 minutes at its start dates an unsynchronised
//     device's readings wrong, until that device starts again or for an hour: nothing tells such a clock from a delay.
//   - What came while the kernel had lost its time service (some nine hours without) is dated again, and until then
//     neither thinned nor dropped by age.
package intake
