// Package collect reads the machine. A broken, hanging or missing sensor never costs the others, and what a machine
// does not have is absent: never 0, never -1.
//
// It reads /proc, /sys and file system statistics, and asks systemd by the system bus: no root, no other programs.
//
// The recipe's four go to the cloud at each reading. All else is local: it stays on the LAN unless the gateway is told
// otherwise, is read once a minute, and is bounded, per kind and in all. [Table] has every metric and [Attributes] what
// a machine says of itself; docs/metrics.md is made of them. A sensor is a function that adds values to what was found:
// one that fails half way keeps what it has, and one that hangs is not asked again until it has answered. What the
// kernel counts is sent as the amount since the last reading, and not at all where that is in doubt.
//
// Under-voltage and its like come and go between two readings. [Collector.Watch] counts them, woken by the kernel when
// one begins or ends, and by nothing else: package power.
//
// What the readings are of is in rooms beneath, and so is what they stand on: package host reads the kernel's files, and
// package reading is what a sensor gives. What becomes of all of it is decided here: what is read when, what is told of
// it, and what goes to the cloud.
//
// The machines under testdata/machines hold the table and the sensors together: each row is given by one of them, and
// none gives what is in no row.
//
// # Traps in gopsutil, and their guards
//
// It returns nothing and a nil error for a file that it cannot read, it returns NaN, its Used is not what free shows,
// and it takes 0 for a line of meminfo that is missing. A check stands beside each reading, and what was found takes
// only finite values. It panics where loadavg or net/dev is empty, and reads this machine's load where the other's
// cannot be read; its counters of disks look up serial numbers each time. It looks at no thermal zone where any
// hardware monitor is, and asks thermometers that take a second. So the local sensors and the temperature read the
// kernel's files themselves.
package collect
