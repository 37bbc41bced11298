// Package gateway wires the stages: Open is the drawing of the architecture in code, Run makes it move. Its one
// promise: a device is answered when all of its message is on disk or counted, and never before.
//
// # Starting, stopping, failing
//
// `gateway/gateway/watch.go` looks at progress, not at connections: systemd's watchdog is fed only while the queue's
// and the uplink's loops go round, and it is told how many windows wait. `configs/systemd` has the unit. Messages that
// wait with none acknowledged for `uplink.stall_after` end the connection. No device heard for `broker.silence_after`
// is a warning.
//
// `Open` acquires and starts nothing; `Run` ends when its goroutines have. The queue is stopped last, so that what the
// others still hand it is committed. Nothing depends on that: `proof/kill` kills the process under load again and
// again, and counts in the stand-in that every acknowledged report arrived, that no more than a window per kill
// arrived twice, and that the ledger balances. `gateway/queue/lying_test.go` does the same for power cuts, by a seed:
// a model of a disk (`shared/files/lying`) lies under SQLite (`gateway/queue/lyingdb`, a shim of its VFS), fails as
// disks do, and leaves what a power cut would.
//
// A failed commit is told to all who wait for it, the writer reads its state back from disk, and nothing of the batch
// is acknowledged.
package gateway
