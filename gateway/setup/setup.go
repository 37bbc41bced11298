package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	awsfiles "piway/configs/aws"
	"piway/gateway/aws"
	"piway/gateway/cloud"
	"piway/gateway/settings"
	"piway/shared/config"
	"piway/shared/files"
	"piway/shared/pki"
)

// Asked is what Run is asked for.
type Asked struct {
	Access
	// Form is metric or emf; empty leaves that of the stack, or asks the user.
	Form string
	// Devices and Metrics each are what the prices are told for. No devices are those of the gateway's list.
	Devices, Metrics int
	// Email is who hears of alarms. Nobody is for nobody; empty leaves who does, or asks the user.
	Email string
	// Dashboard says when to make one; empty is BoardFree.
	Dashboard string
}

// Nobody is the Email of nobody.
const Nobody = "none"

// When a dashboard is made.
const (
	BoardFree = "free" // if AWS charges nothing for it, or the user says so
	BoardYes  = "yes"
	BoardNo   = "no"
)

// Gateway is what a setup asks of the gateway that it sets up.
type Gateway struct {
	// Ready returns what of the configuration and the certificates keeps the gateway from starting.
	Ready func(cfg *settings.Config) error
	// Check connects once and says what works.
	Check func(ctx context.Context, cfg settings.Config, out io.Writer) error
	// Restart and Stop have the services of this machine run what is set up, and not run what no longer is
	// (shared/service). Nil is nobody.
	Restart, Stop func(ctx context.Context, unit, config string, out io.Writer) (done bool, err error)
}

// Load reads the configuration that is to be set up; a file that is not there will be made.
func Load(path string) (settings.Config, error) {
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return settings.Default(), nil
	}
	cfg, err := settings.Load(path)
	if certs := cfg.Uplink.Certs; err == nil && (certs.Cert != "" || certs.Key != "") {
		err = config.Try(errors.New("uplink.certs.cert and uplink.certs.key name files of your own, which the gateway "+
			"would use instead of the new ones"), "remove both from "+path)
	}
	return cfg.WithoutTrial(), err
}

// Run makes all that AWS needs and the gateway's certificate, and sets the configuration at path. nil means that the
// gateway has connected, and runs as a service where it is one. Interrupted or failed, it goes on where it stopped when it is called again.
func Run(ctx context.Context, path string, cfg settings.Config, asked Asked, g Gateway, out io.Writer) error {
	s := newSetup(path, cfg, asked, g, out)
	s.tellTrial()
	return s.run(ctx)
}

// Commands only writes the commands, for a shell, and changes nothing.
func Commands(path string, cfg settings.Config, asked Asked, out io.Writer) error {
	return newSetup(path, cfg, asked, Gateway{}, out).print()
}

// newSetup returns a setup of the first slot, until the stack says otherwise.
func newSetup(path string, cfg settings.Config, asked Asked, g Gateway, out io.Writer) *setup {
	return &setup{
		walk: newWalk(path, asked.Access, cfg, out), asked: asked, prices: priceList(), gateway: g,
		slot: slots[0],
	}
}

// A setup is the whole way from credentials to a gateway that can connect.
type setup struct {
	*walk
	asked   Asked
	prices  priceOf
	gateway Gateway

	account *aws.Stack   // the account's stack as it was, nil if there was none
	others  []*aws.Stack // of other gateways in this account and region
	request *pki.Request
	csr     string // what the stack is or was made of
	slot    slot   // where that is in the stack
	dir     string // for the templates, while it runs
	board   board
	started bool // the gateway, by this setup
}

func (s *setup) run(ctx context.Context) (err error) {
	if err := files.CanRewrite(s.path); err != nil {
		return settings.NotWritten(err) // now, and not after all else is done
	}
	end, err := s.room()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	return s.walk.walk(ctx, []walkStep{
		{"asking AWS who you are", s.identity},
		{"asking for the address of IoT Core", s.address},
		{"looking at what is there", s.look},
		{"choosing what to make", s.choose},
		{"making the key and the signing request", s.key},
		{"deploying the account's rules, roles and alarm", s.deployAccount},
		{"deploying the gateway's policy and certificate", s.deployGateway},
		{"fetching the certificate", s.certificate},
		{"writing the configuration", s.configure},
		{"checking the connection", s.connect},
		{"starting the gateway", s.start},
		{"making the dashboard", s.makeBoard},
		{"telling what is next", s.next},
	})
}

// room makes a folder for templates, which the aws tool may read.
func (s *setup) room() (end func() error, err error) {
	if s.dir, err = os.MkdirTemp("", "piway-aws-"); err != nil {
		return nil, fmt.Errorf("making a folder for the templates: %w", err)
	}
	end = func() error { return os.RemoveAll(s.dir) }
	if err := s.cli.Give(s.dir); err != nil {
		return nil, errors.Join(err, end())
	}
	return end, nil
}

// look finds the stacks, in a state in which they can be deployed.
func (s *setup) look(ctx context.Context) (err error) {
	if s.stack, err = s.cli.Ready(ctx, s.names.GatewayStack()); err != nil {
		return err
	}
	if s.stack != nil {
		if err := s.own(); err != nil {
			return err
		}
	}
	if s.stack == nil {
		if err := s.moves(); err != nil {
			return err
		}
	}
	if s.account, err = s.cli.Ready(ctx, cloud.AccountStack); err != nil {
		return err
	}
	if s.account != nil && s.account.Parameters["Form"] == "" {
		return config.Try(fmt.Errorf("the stack %s is not Piway's", cloud.AccountStack),
			"another region, or another name for that stack")
	}
	s.others, err = s.cli.Gateways(ctx, s.names.GatewayStack())
	return err
}

// moves refuses to set up a gateway in a second region: the certificate of the first would go on working, and nothing
// here would know of it.
func (s *setup) moves() error {
	here := cmp.Or(s.access.Region, s.names.Region)
	if region := s.cfg.Uplink.Region(); region != cloud.RegionPlaceholder && region != here {
		return config.Try(fmt.Errorf("uplink.endpoint is in %s, and this would set the gateway up in %s", region, here),
			"piway-gateway aws remove --region "+region+" first, or empty uplink.endpoint in "+s.path)
	}
	path := certFile(s.cfg.Uplink.Certs.Dir, certEnd)
	text, err := os.ReadFile(path)
	if region := cloud.CertificateRegion(text); err == nil && region != "" && region != here {
		return config.Try(fmt.Errorf("%s is of %s, and this would set the gateway up in %s", path, region, here),
			"--region "+region+", or piway-gateway aws remove --region "+region+" first")
	}
	return nil
}

// key makes or finds the key. It does not make one where a stack has the certificate of another: that is how a lost
// folder looks, or the wrong one.
func (s *setup) key(context.Context) error {
	dir := s.cfg.Uplink.Certs.Dir
	path := certFile(dir, keyEnd)
	lost := func() error {
		return config.Try(fmt.Errorf("the stack %s has the certificate of a key that is not %s", s.stack.Name, path),
			"bring the key back. If this is a second gateway of the account: site: NAME in "+s.path+", another name for each. "+
				"If the key is lost for good: piway-gateway aws remove, then this again")
	}
	if _, err := os.Lstat(path); s.stack != nil && os.IsNotExist(err) {
		return lost()
	}
	var err error
	if s.request, err = newRequest(dir); err != nil {
		return err
	}
	s.csr, s.slot = string(s.request.PEM), slots[0]
	if s.stack != nil {
		var ok bool
		if s.slot, s.csr, ok = slotOf(s.stack, s.request); !ok {
			return lost()
		}
	}
	s.say("  key %s, request %s", s.request.Key, s.request.CSR)
	return nil
}

func (s *setup) template(name string, text []byte) (string, error) {
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return "", err
	}
	return path, s.cli.Give(path)
}

// certificate fetches what AWS made of the request.
func (s *setup) certificate(ctx context.Context) error { return s.fetch(ctx, s.slot, s.request) }

// fetch writes what AWS made of a request beside it, and sees that it is active.
func (s *setup) fetch(ctx context.Context, from slot, r *pki.Request) error {
	stack, err := s.cli.Stack(ctx, s.names.GatewayStack())
	if err != nil {
		return err
	}
	if stack == nil || stack.Outputs[from.output] == "" {
		return fmt.Errorf("the stack %s does not name its certificate", s.names.GatewayStack())
	}
	id := stack.Outputs[from.output]
	var answer struct {
		CertificateDescription struct{ CertificateArn, CertificatePem, Status string }
	}
	if err := s.cli.Decode(ctx, "IoT Core", cloud.NewCommand("iot", "describe-certificate", "--certificate-id", id),
		&answer); err != nil {
		return err
	}
	got := answer.CertificateDescription
	if got.Status != "ACTIVE" { // as an aws remove that was broken off leaves it
		if _, err := s.cli.Run(ctx, "IoT Core", certificateStatus(id, "ACTIVE")); err != nil {
			return err
		}
	}
	if err := r.WriteCertificate(cloud.NoteCertificate(got.CertificateArn, []byte(got.CertificatePem))); err != nil {
		return err
	}
	s.say("  certificate %s", strings.TrimSuffix(r.Key, keyEnd)+certEnd)
	return nil
}

// configure sets what has become known, and what would contradict it.
func (s *setup) configure(context.Context) error {
	c := &s.cfg.Uplink
	values := []setting{{"uplink.endpoint", s.endpoint}, {"uplink.form", s.names.Form}, {"uplink.rule", s.names.Rule}}
	if host, port, err := c.HostPort(); err == nil && host == s.endpoint && port != settings.MQTTSPort {
		values[0].value = c.Endpoint // with the port that was chosen
	}
	if c.Topic != "" {
		values = append(values, setting{"uplink.topic", ""})
	}
	if !c.RuleHasTimestamp {
		values = append(values, setting{"uplink.rule_has_timestamp", "true"})
	}
	if s.onTrial() {
		values = append(values, setting{"uplink.certs.dir", c.Certs.Dir})
	}
	changed, err := configure(s.path, values)
	if err != nil {
		return err
	}
	if !changed {
		s.say("  %s has it already", s.path)
	}
	for _, set := range values {
		if changed {
			s.say("  %s: %s: %s", s.path, set.key, set.value)
		}
	}
	s.cfg = settings.Default()
	return config.Load(s.path, &s.cfg)
}

// What is new at AWS is not known everywhere at once: it says a few minutes of policies (AWS IoT, policies).
const (
	checkAgain = 15 * time.Second
	checkTimes = 12
)

// connect is piway-gateway check, with patience.
func (s *setup) connect(ctx context.Context) error {
	if err := s.gateway.Ready(&s.cfg); err != nil {
		return err // nothing that waiting helps
	}
	for n := 1; ; n++ {
		var said lines
		err := s.gateway.Check(ctx, s.cfg, &said)
		if err == nil || n == checkTimes || ctx.Err() != nil {
			said.indent(s.out)
			return err
		}
		s.say("  not yet (%v); AWS may need some minutes for a new certificate; trying again in %s, %d of %d", err,
			checkAgain, n, checkTimes)
		if err := s.cli.Pause(ctx, checkAgain); err != nil {
			return err
		}
	}
}

func (s *setup) next(context.Context) error {
	if s.asked.Email == Nobody {
		s.say("  nobody gets mail when metrics stop; --email ADDRESS changes that")
	} else if s.asked.Email != "" {
		s.say("  AWS has written to %s: confirm there, or no alarm will come", s.asked.Email)
	}
	if tell := keyReader(&s.cfg); tell != "" {
		s.say("  %s", tell)
	}
	s.say("  the alarm rings until the first metrics arrive")
	s.worth()
	if s.started {
		s.say("done. Next: sudo piway-gateway invite NAME, which prints the line for a Pi")
	} else {
		s.say("done. Next: (re)start piway-gateway run, then piway-gateway invite NAME, which prints the line for a Pi")
	}
	return nil
}

// worth names what stays on the LAN and is worth its price.
func (s *setup) worth() {
	rules := slices.Sorted(maps.Values(s.cfg.Worth()))
	if s.prices == nil || len(rules) == 0 {
		return
	}
	f := s.fleet()
	f.form = s.names.Form
	before, _ := s.prices(f)
	f.metrics++
	more, _ := s.prices(f)
	s.say("  what Pis die of stays on the LAN; each of these rules under rollup.rules sends one to CloudWatch, for about "+
		"%.2f USD a month and device:", (more-before)/float64(f.devices))
	for _, rule := range rules {
		s.say("    %s", rule)
	}
}

// templates are the deployments' files by name, as --print writes them.
var templates = map[string][]byte{"account.yaml": awsfiles.AccountTemplate, "gateway.yaml": awsfiles.GatewayTemplate}
