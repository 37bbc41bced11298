package setup

import (
	"context"
	"fmt"
	"slices"

	"piway/gateway/aws"
	"piway/gateway/cloud"
	"piway/shared/config"
	"piway/shared/prices"
)

// A board is what becomes of the dashboard. It is a picture: what keeps it from being made keeps nothing else from it.
type board struct {
	names []string // of all dashboards of the account
	err   error    // why they are not known
	make  bool
}

// What AWS gives every account for nothing: the dashboards with at most freeLines metrics each (shared/prices, with the
// sources).
const (
	freeBoards = 3
	freeLines  = 50
	freeAlarms = 10
)

// lookBoards asks for the dashboards that the account has. An error of it is an interruption.
func (s *setup) lookBoards(ctx context.Context) error {
	if s.asked.Dashboard == BoardNo {
		return nil
	}
	var answer struct {
		DashboardEntries []struct{ DashboardName string }
	}
	s.board.err = s.cli.Decode(ctx, "CloudWatch", cloud.NewCommand("cloudwatch", "list-dashboards"), &answer)
	for _, d := range answer.DashboardEntries {
		s.board.names = append(s.board.names, d.DashboardName)
	}
	return ctx.Err()
}

// there says whether this account and region have their dashboard.
func (s *setup) boardIsThere() bool { return slices.Contains(s.board.names, s.names.DashboardName()) }

// chooseBoard has a dashboard made that costs nothing; one that does only by a flag, or by a word of the user at the
// first setup.
func (s *setup) chooseBoard(ctx context.Context) error {
	b := &s.board
	lines := cloud.DashboardLines(s.fleet().devices)
	free := len(b.names) < freeBoards && lines <= freeLines
	switch {
	case s.asked.Dashboard == BoardNo || b.err != nil || s.boardIsThere():
		return nil
	case free || s.asked.Dashboard == BoardYes:
		b.make = true
		return nil
	}
	usd := prices.Default().Month(prices.Usage{Dashboards: 1}).Total
	why := fmt.Sprintf("the account has %d, and %d are free", len(b.names), freeBoards)
	if len(b.names) < freeBoards {
		why = fmt.Sprintf("it would show %d metrics, and those with up to %d are free", lines, freeLines)
	}
	s.say("  a dashboard would cost %.2f USD a month: %s", usd, why)
	if s.answer == nil || s.stack != nil {
		return nil
	}
	answer, err := s.ask(ctx, fmt.Sprintf("make it for %.2f USD a month", usd), "--dashboard yes or --dashboard no", "no", "yes")
	b.make = answer == "yes"
	return err
}

// makeBoard makes the dashboard, or says why not. One that is there is the user's, and stays as it is.
func (s *setup) makeBoard(ctx context.Context) error {
	b := &s.board
	switch {
	case b.err == nil && b.make:
		b.err = s.putBoard(ctx)
	case b.err == nil && !s.boardIsThere():
		s.say("  none; --dashboard yes makes one")
		return nil
	case b.err == nil:
		s.say("  it is there, and stays as it is")
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if b.err != nil {
		s.say("  none: %v", b.err)
		if try := config.Hint(b.err); try != "" {
			s.say("  all else is done. For a dashboard: %s", try)
		}
		return nil
	}
	s.say("  %s", s.names.DashboardLink())
	return nil
}

func (s *setup) putBoard(ctx context.Context) error {
	name, body := s.names.DashboardName(), s.names.Dashboard(cloud.DashboardMetrics, s.cfg.Rollup.Window)
	_, err := s.cli.Run(ctx, "CloudWatch", s.boardCommand(name, cloud.Quote(name), string(body), s.names.Region))
	return err
}

// boardCommand makes the dashboard; region is as a shell takes it.
func (s *setup) boardCommand(name, shownName, body, region string) cloud.Command {
	return cloud.NewCommand("cloudwatch", "put-dashboard", "--dashboard-name").Shown(name, shownName).
		With("--dashboard-body").
		Shown(body, `"$(piway-gateway aws print dashboard --region `+region+" --config "+cloud.Quote(s.path)+`)"`)
}

// deleteBoard takes the dashboard away, unless another gateway of the account and region is left to be seen on it.
func (r *removal) deleteBoard(ctx context.Context) error {
	if len(r.others) > 0 {
		r.say("  kept, for the other gateways")
		return nil
	}
	_, err := r.cli.Run(ctx, "CloudWatch", cloud.NewCommand("cloudwatch", "delete-dashboards", "--dashboard-names",
		r.names.DashboardName()))
	switch {
	case err == nil || ctx.Err() != nil:
		return ctx.Err()
	case aws.Said(err, "NotFound"):
		r.say("  there is none")
	default: // a picture
		r.say("  %s is left: %v", r.names.DashboardName(), err)
	}
	return nil
}
