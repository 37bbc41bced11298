package setup

import (
	"context"
	"errors"

	"piway/gateway/cloud"
	"piway/shared/config"
)

// choose settles the form: as asked, as the stack has it from a broken-off run, or as the user says.
func (s *setup) choose(ctx context.Context) error {
	form := s.asked.Form
	was := s.formBefore()
	switch {
	case form != "":
	case s.answer == nil && was == "":
		return config.Try(errors.New("no form is chosen, and there is nobody to ask"), "--form metric or --form emf")
	case s.answer == nil:
		form = was
	default:
		s.describe()
		first, second := cloud.Metric, cloud.EMF
		if was == cloud.EMF {
			first, second = second, first
		}
		var err error
		if form, err = s.ask(ctx, "which form", first, second); err != nil {
			return err
		}
	}
	if was != "" && was != form {
		s.say("  the form was %s: all metrics start anew under other names; the old graphs stay until they are 15 months old",
			was)
	}
	s.names = s.names.For(form)
	s.say("  form %s, rule %s; another form later renames every metric", form, s.names.Rule)
	s.price(form)
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

// describe tells what the forms are and cost.
func (s *setup) describe() {
	s.say("  metric  a message and a CloudWatch call for each datapoint; metrics are named NAME (DEVICE). What the " +
		"usual cron script does.")
	s.price(cloud.Metric)
	s.say("  emf     many datapoints in a message; metrics are named NAME, with the device as a dimension, and keep " +
		"minimum, maximum and percentiles.")
	s.price(cloud.EMF)
	s.say("  Changing it later renames every metric: graphs and alarms start anew.")
}

func (s *setup) price(form string) {
	if s.prices == nil {
		return
	}
	total, free := s.prices(fleet{form, s.asked.Devices, s.asked.Metrics, s.cfg.Rollup.Window})
	s.say("          about %.2f USD a month for %d devices with %d metrics each, %.2f after the free tier", total,
		s.asked.Devices, s.asked.Metrics, free)
}
