package setup

import (
	"cmp"
	"fmt"
	"io"

	"piway/gateway/aws"
	"piway/gateway/cloud"
)

// print writes the commands for a shell.
func (s *setup) print() error {
	form := s.asked.Form
	if form == "" {
		form = s.cfg.Uplink.Form
	}
	s.names = s.names.For(form)
	if err := checkNames(s.names); err != nil {
		return err
	}
	parameters, err := s.accountParameters()
	if err != nil {
		return err
	}
	w := printer{s.access, s.out}
	w.line("# What aws setup does, by hand. Nothing has been changed.")
	w.line("piway-gateway aws csr --config " + cloud.Quote(s.path))
	w.line("piway-gateway aws print template > piway-account.template.yaml")
	w.line("piway-gateway aws print gateway-template > piway-gateway.template.yaml")
	w.aws("", identityCommand, "")
	w.aws("", aws.Deployment{
		Stack: cloud.AccountStack, Template: "piway-account.template.yaml", Account: true,
		Parameters: parameters,
	}.Command(), "")
	w.aws("", aws.Deployment{
		Stack: s.names.GatewayStack(), Template: "piway-gateway.template.yaml",
		Parameters: s.gatewayParameters(),
	}.Command(), "")
	w.aws("CERTIFICATE=$(", cloud.NewCommand("cloudformation", "describe-stacks", "--stack-name", s.names.GatewayStack(),
		"--query", "Stacks[0].Outputs[?OutputKey=='CertificateId'].OutputValue", "--output", "text"), ")")
	w.aws("", cloud.NewCommand("iot", "describe-certificate").Shown("", `--certificate-id "$CERTIFICATE"`).
		With("--query", "certificateDescription.certificatePem", "--output", "text"), " > "+
		cloud.Quote(certFile(s.cfg.Uplink.Certs.Dir, certEnd)))
	w.aws("", cloud.EndpointCommand.With("--query", "endpointAddress", "--output", "text"), "")
	w.line(fmt.Sprintf("# In %s set uplink.endpoint to what the last command said, uplink.form to %s and uplink.rule to %s.", s.path, form, s.names.Rule))
	w.line("piway-gateway check --config " + cloud.Quote(s.path))
	w.line("# A dashboard costs nothing if it is one of the account's first three and shows up to 50 metrics.")
	region := cmp.Or(s.access.Region, toolRegion(), `"$(aws configure get region)"`)
	w.aws("", s.boardCommand("", cloud.AccountStack+"-"+region, "", region), "")
	return nil
}

// A printer writes lines for a shell.
type printer struct {
	access Access
	out    io.Writer
}

func (p printer) line(text string) { _, _ = fmt.Fprintln(p.out, text) } // as say

func (p printer) aws(before string, c cloud.Command, behind string) {
	if p.access.Region != "" {
		c = c.With("--region", p.access.Region)
	}
	if p.access.Profile != "" {
		c = c.With("--profile", p.access.Profile)
	}
	p.line(before + c.String() + behind)
}
