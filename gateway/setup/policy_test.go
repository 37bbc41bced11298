package setup

import (
	"testing"

	awsfiles "piway/configs/aws"
	"piway/gateway/cloud"
)

// A set-up of an earlier version is renewed by the same command: template and topics change, key and certificate stay.
func TestSetup_renewsAnEarlierPolicy(t *testing.T) {
	for form, want := range map[string][2]string{
		cloud.Metric: {"raspi/metrics", ""},
		cloud.EMF:    {"piway/emf/piway-gateway", "piway/emf/piway-gateway-feedback"},
	} {
		b := newBench(t)
		if err := b.setup(form).run(t.Context()); err != nil {
			t.Fatal(err)
		}
		account(t, b.aws, func(a *awsAccount) {
			s := a.Stacks["piway-gateway"]
			s.Template = "of an earlier version"
			s.Parameters["Topic"], s.Parameters["FeedbackTopic"] = "raspi/metrics", "" // its defaults
		})
		if err := b.setup("").run(t.Context()); err != nil {
			t.Fatalf("%v\n%s", err, &b.out)
		}
		b.complete(form)
		s := account(t, b.aws, nil).Stacks["piway-gateway"]
		if got := [2]string{s.Parameters["Topic"], s.Parameters["FeedbackTopic"]}; got != want ||
			s.Template != string(awsfiles.GatewayTemplate) {
			t.Errorf("%s: got topics %q and a template of %d bytes, want %q and the new one", form, got, len(s.Template), want)
		}
	}
}
