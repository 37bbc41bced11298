package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"piway/shared/config"
)

// Restart enables a unit, such as piway-agent, and starts it, anew if it runs. done means that it is active with the
// configuration file as it is now. It is not done, without an error, where the unit is not ours to touch (see the package):
// a person has to be told what to do then. What is run is shown on out, and of a start that fails the journal's last lines.
func Restart(ctx context.Context, unit, configuration string, out io.Writer) (done bool, err error) {
	return theMachine.restart(ctx, unit, configuration, out)
}

// Stop ends a unit, and keeps it from being started at the next boot. done means that it is neither active nor enabled.
// Where it is not ours to touch it is not done, without an error.
func Stop(ctx context.Context, unit, configuration string, out io.Writer) (done bool, err error) {
	return theMachine.stop(ctx, unit, configuration, out)
}

// Look returns the unit, nil where it is not ours to touch.
func Look(ctx context.Context, unit, configuration string) (*Unit, error) {
	return theMachine.look(ctx, unit, configuration)
}

// steady is for how long a program that does not say when it is ready must have run to be active, and how often that is
// looked at. Programs that cannot start say so sooner.
const (
	steady    = 2 * time.Second
	lookAgain = 200 * time.Millisecond
)

func (m machine) restart(ctx context.Context, name, configuration string, out io.Writer) (done bool, err error) {
	u, err := m.look(ctx, name, configuration)
	if u == nil || err != nil {
		return false, err
	}
	if u.reload { // its file has changed since it was read
		if err := m.run(ctx, out, "daemon-reload"); err != nil {
			return false, err
		}
	}
	if u.Enabled == "disabled" {
		if err := m.run(ctx, out, "enable", name); err != nil {
			return false, err
		}
	}
	if err = m.run(ctx, out, "restart", name); err == nil {
		err = m.stays(ctx, name, configuration)
	}
	if err != nil {
		m.journal(ctx, out, name)
		return false, config.Try(fmt.Errorf("starting %s: %w", name, err), "sudo journalctl -u "+name+" -n 30")
	}
	return true, nil
}

// stays waits until the unit is active for good: systemd calls a program active that has only been started, unless it says
// by itself when it is ready.
func (m machine) stays(ctx context.Context, name, configuration string) error {
	var first *Unit
	for began := m.now(); ; {
		u, err := m.look(ctx, name, configuration)
		switch {
		case err != nil:
			return err
		case u == nil:
			return errors.New("the unit is gone")
		case !u.Active:
			return fmt.Errorf("it does not stay up: it is %s, its last end was %s (exit status %s)", u.state, u.result, u.status)
		}
		if first == nil {
			first = u
		}
		if u.pid != first.pid {
			return errors.New("it does not stay up: it was started again")
		}
		if u.notifies || m.now().Sub(began) >= m.steady {
			return nil
		}
		if err := m.sleep(ctx, lookAgain); err != nil {
			return err
		}
	}
}

func (m machine) stop(ctx context.Context, name, configuration string, out io.Writer) (done bool, err error) {
	u, err := m.look(ctx, name, configuration)
	if u == nil || err != nil {
		return false, err
	}
	if u.Idle() {
		return true, nil
	}
	if err := m.run(ctx, out, "disable", "--now", name); err != nil {
		return false, fmt.Errorf("stopping %s: %w", name, err)
	}
	return true, nil
}
