package setup

import (
	"context"
	"errors"
	"regexp"

	"piway/gateway/cloud"
	"piway/shared/config"
)

// choose settles all that there is to ask: by flags, by what is there, or by asking. What is set up already is not
// asked for again.
func (s *setup) choose(ctx context.Context) error {
	if err := goodEmail(s.asked.Email); s.asked.Email != "" && err != nil {
		return config.Try(err, "--email you@example.com, or --email "+Nobody)
	}
	if err := s.lookBoards(ctx); err != nil {
		return err
	}
	s.tellPrices()
	if err := s.chooseForm(ctx); err != nil {
		return err
	}
	if err := s.chooseEmail(ctx); err != nil {
		return err
	}
	return s.chooseBoard(ctx)
}

func (s *setup) chooseForm(ctx context.Context) (err error) {
	form := s.asked.Form
	was := s.formBefore()
	if form == "" {
		form = was
	}
	if form == "" {
		if s.answer != nil {
			s.describe()
		}
		first, second := cloud.Metric, cloud.EMF
		if s.cfg.Uplink.Form == cloud.EMF {
			first, second = second, first
		}
		if form, err = s.ask(ctx, "which form", "--form metric or --form emf", first, second); err != nil {
			return err
		}
	}
	if was != "" && was != form {
		s.say("  the form was %s: all metrics start anew under other names;", was)
		s.say("  the old graphs stay until they are 15 months old")
	}
	s.names = s.names.For(form)
	s.say("  form %s, rule %s; another form later renames every metric", form, s.names.Rule)
	return checkNames(s.names)
}

// formBefore is the form that the gateway's stack is for, "" if there is none.
func (s *setup) formBefore() string {
	if s.stack == nil {
		return ""
	}
	for _, form := range []string{cloud.Metric, cloud.EMF} {
		if s.stack.Parameters["Rule"] == s.names.For(form).Rule {
			return form
		}
	}
	return ""
}

// describe tells what the forms are.
func (s *setup) describe() {
	s.say("  metric  a message and a CloudWatch call for each datapoint; metrics are named")
	s.say("          NAME (DEVICE), as the usual cron script names them")
	s.say("  emf     many datapoints in a message; metrics are named NAME, with the device as")
	s.say("          a dimension, and keep minimum, maximum and percentiles")
	s.say("  Another form later renames every metric: graphs and alarms start anew.")
	s.say("  Nothing is made yet; Ctrl-C leaves it so.")
}

// chooseEmail asks for an address where none was ever given.
func (s *setup) chooseEmail(ctx context.Context) (err error) {
	if s.asked.Email != "" || s.account != nil || s.stack != nil {
		return nil
	}
	if s.answer == nil {
		s.asked.Email = Nobody
		return nil
	}
	s.asked.Email, err = s.askText(ctx, "who gets mail when metrics stop or are refused", Nobody, "--email", goodEmail)
	return err
}

// emailForm is what account.yaml takes as AlarmEmail.
var emailForm = regexp.MustCompile(`^[^@ ]+@[^@ ]+$`)

func goodEmail(text string) error {
	if text == Nobody || emailForm.MatchString(text) {
		return nil
	}
	return errors.New("an address looks like you@example.com; " + Nobody + " is for nobody")
}
