package world

import (
	"context"
	"log/slog"
	"os"

	"piway/gateway/control"
	"piway/gateway/datadir"
	"piway/gateway/devices"
	"piway/gateway/queue/ledger"
	"piway/localcore/localcore"
)

// AddDevices puts devices on the list of a gateway that does not run and has its data in this folder, which is made if
// need be. It returns their passwords by name.
func AddDevices(data string, names ...string) (passwords map[string]string, err error) {
	if err := os.MkdirAll(data, 0o750); err != nil {
		return nil, err
	}
	list, err := devices.Open(datadir.Devices(data))
	if err != nil {
		return nil, err
	}
	passwords = map[string]string{}
	for _, name := range names {
		if passwords[name], err = list.Add(name, true); err != nil {
			return nil, err
		}
	}
	return passwords, nil
}

// Ledger returns that of a gateway that runs.
func Ledger(ctx context.Context, data string) (all []ledger.Account, err error) {
	err = control.Call(ctx, data, "GET", "/ledger", nil, &all)
	return all, err
}

// Drained returns the ledger of a gateway that runs when nothing waits any more; it has to balance at every look. tell
// hears how many samples wait; nil for nobody.
func Drained(ctx context.Context, data string, tell func(waiting int64)) (all []ledger.Account, err error) {
	err = Poll(ctx, "the gateway's queue to be empty", func() (bool, error) {
		if all, err = Ledger(ctx, data); err != nil {
			return false, err
		}
		waiting := ledger.Sum(all).Waiting
		if tell != nil {
			tell(waiting)
		}
		return waiting == 0, ledger.Balance(all)
	})
	return all, err
}

// OpenCore runs a localcore in this process until stop.
func OpenCore(ctx context.Context, cfg localcore.Config, log *slog.Logger) (core *localcore.Core, stop func() error,
	err error,
) {
	if core, err = localcore.Open(ctx, cfg, log); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- core.Run(ctx) }()
	return core, func() error { cancel(); return <-ended }, nil
}
