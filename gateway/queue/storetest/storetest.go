// Package storetest holds a store to what the gateway relies on, whatever it keeps its records in.
//
// Its promise: a store that passes keeps in order what it acknowledged, recognises what comes again, has its passes
// and positions over a kill, keeps to its bounds, and has a ledger that balances.
package storetest

import (
	"context"
	"testing"

	"piway/gateway/pass"
	"piway/gateway/queue"
	"piway/gateway/queue/ledger"
	"piway/shared/sample"
)

// A Store is what the tests need of one; what is promised of the methods stands at those of queue.Queue.
type Store interface {
	Run(ctx context.Context) error
	Append(e queue.Entry, done func(error))

	Next(ctx context.Context, o pass.Order, fingerprint string) (pass.Pass, error)
	LastClosed() int64
	Backlog(ctx context.Context) (passes int, oldest int64, err error)
	Each(ctx context.Context, p pass.Pass, f func(device string, samples []sample.Sample) error) error
	EachThinned(ctx context.Context, p pass.Pass, f func(device string, all []pass.Summary) error) error
	Settle(ctx context.Context, done []pass.Done, moved []pass.Pass) error
	Release(start int64)

	BookRefusedByCloud(ctx context.Context, counts map[ledger.Count]int) error
	Ledger(ctx context.Context) ([]ledger.Account, error)
	Owners(ctx context.Context) (map[string]string, error)
	Metrics(ctx context.Context, f func(device string, last sample.Sample)) error
	Forget(ctx context.Context, device string) error
	Free(ctx context.Context, device, name string) error
	Rename(ctx context.Context, old, name string) error
	Boots(ctx context.Context, f func(device, id string, began float64)) error
}

// Open opens or creates a store. All that is in the folder of cfg.Path is the store's.
type Open func(ctx context.Context, cfg queue.Config) (Store, error)

// Run holds the stores that open opens to their promises.
func Run(t *testing.T, open Open) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, *Bench)
	}{
		{"Append_afterARestart", func(t *testing.T, b *Bench) { reopen(t, b, b.Reopen) }},
		{"Append_afterACrash", func(t *testing.T, b *Bench) { reopen(t, b, b.Crash) }},
		{"Append_redelivery", redelivery},
		{"Append_redeliveryAfterACrash", redeliveryAfterACrash},
		{"Append_redeliveryOfARefusedReport", redeliveryOfARefusedReport},
		{"Append_manyRuns", manyRuns},
		{"Append_notRecognisable", notRecognisable},
		{"Append_doneInOrder", doneInOrder},
		{"Append_doneMeansOnDisk", doneMeansOnDisk},
		{"Append_afterTheEnd", afterTheEnd},
		{"Owners", owners},
		{"Names_move", namesMove},
		{"Boots", boots},
		{"Pass_windowAndGrace", windowAndGrace},
		{"Pass_timeAhead", timeAhead},
		{"Pass_clockSetBack", clockSetBack},
		{"Pass_clockSetBack_ontoABacklog", clockSetBackOntoABacklog},
		{"Pass_clockJumpsAhead", clockJumpsAhead},
		{"Each_correctsTimes", correctsTimes},
		{"Next_waits", waits},
		{"Next_lanes", lanes},
		{"Next_inHand", inHand},
		{"Next_unparksUnderAnotherFingerprint", unparks},
		{"Settle_positionSurvives", positionSurvives},
		{"Settle_doneAndPart", doneAndPart},
		{"Settle_parked", parked},
		{"Settle_expired", expired},
		{"Settle_afterADrop", afterADrop},
		{"Bounds_openPass", openPass},
		{"Bounds_besideSending", besideSending},
		{"Bounds_maxAge", maxAge},
		{"Ledger_gaps", gaps},
		{"Ledger_local", local},
		{"Ledger_refusedByCloud", refusedByCloud},
		{"Ledger_twins", twins},
	} {
		t.Run(c.name, func(t *testing.T) { InBubble(t, open, c.test) })
	}
}
