package setup

import (
	"io"

	"piway/gateway/aws"
	"piway/gateway/cloud"
)

// indented writes lines with two blanks in front.
type indented struct{ out io.Writer }

func (i *indented) Write(p []byte) (int, error) {
	if _, err := i.out.Write(append([]byte("  "), p...)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// print writes the commands for a shell. Which slot is in use only AWS knows.
func (r *renewal) print() error {
	dir, stack := r.cfg.Uplink.Certs.Dir, r.names.GatewayStack()
	if err := checkNames(r.names); err != nil {
		return err
	}
	w := printer{r.access, r.out}
	in := func(end string) string { return cloud.Quote(certFile(r.folder(), end)) }
	w.line("# What aws setup --renew does, by hand. Nothing has been changed.")
	w.line("# Csr2 is the place of the new certificate, and CertificateId that of the old one, the first time; then Csr")
	w.line("# and CertificateId2, and so on by turns. This says which one is in use:")
	w.line("openssl x509 -noout -fingerprint -sha256 -in " + cloud.Quote(certFile(dir, certEnd)))
	w.aws("", cloud.NewCommand("cloudformation", "describe-stacks", "--stack-name", stack, "--query",
		"Stacks[0].Outputs[?starts_with(OutputKey,'CertificateId')]"), "")
	w.line("umask 077; mkdir -p " + cloud.Quote(r.folder()))
	w.line("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=" + certName +
		" -keyout " + in(keyEnd) + " -out " + in(csrEnd))
	w.line("piway-gateway aws print gateway-template > piway-gateway.template.yaml")
	w.aws("", aws.Deployment{
		Stack: stack, Template: "piway-gateway.template.yaml",
		Parameters: r.parameters(slots[1], "", certFile(r.folder(), csrEnd)),
	}.Command(), "")
	id := func(variable string, s slot) {
		w.aws(variable+"=$(", cloud.NewCommand("cloudformation", "describe-stacks", "--stack-name", stack,
			"--query", "Stacks[0].Outputs[?OutputKey=='"+s.output+"'].OutputValue", "--output", "text"), ")")
	}
	id("NEW", slots[1])
	id("OLD", slots[0])
	w.aws("", cloud.NewCommand("iot", "describe-certificate").Shown("", `--certificate-id "$NEW"`).
		With("--query", "certificateDescription.certificatePem", "--output", "text"), " > "+in(certEnd))
	w.line("cp " + cloud.Quote(dir) + "/*oot* " + cloud.Quote(r.folder()) + "/")
	w.line("# Set uplink.certs.dir to " + r.folder() + " and see whether this connects:")
	w.line("piway-gateway check --config " + cloud.Quote(r.path))
	w.aws("", cloud.NewCommand("iot", "update-certificate", "--new-status", "INACTIVE").Shown("",
		`--certificate-id "$OLD"`), "")
	return nil
}
