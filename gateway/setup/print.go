package setup

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	awsfiles "piway/configs/aws"
	"piway/gateway/cloud"
	"piway/gateway/settings"
	"piway/shared/config"
)

// Printing is what Print is asked for.
type Printing struct {
	// What is rule, errors-rule, policy, template, gateway-template, cli or dashboard.
	What string
	// Form is another one than the configuration's, if it is set; Account and Region are if they are known.
	Form, Account, Region string
	// Metrics of a device, for a dashboard.
	Metrics []string
}

// Print writes a part of what AWS needs, with the names of the configuration.
func Print(cfg *settings.Config, c Printing, out io.Writer) error {
	n, err := c.names(cfg)
	if err != nil {
		return err
	}
	text, err := c.text(cfg, n)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

func (c *Printing) names(cfg *settings.Config) (cloud.Names, error) {
	n := cfg.Cloud()
	if c.Form != "" {
		n = n.For(c.Form)
	}
	if c.Account != "" {
		n.Account = c.Account
	}
	if c.Region != "" {
		n.Region = c.Region
	}
	if c.What != "cli" {
		if region := toolRegion(); region != "" {
			n.Region = strings.Replace(n.Region, cloud.RegionPlaceholder, region, 1)
		}
		// What cannot find out for itself gets the values of AWS's examples.
		n.Account = strings.Replace(n.Account, cloud.AccountPlaceholder, cloud.Default().Account, 1)
		n.Region = strings.Replace(n.Region, cloud.RegionPlaceholder, cloud.Default().Region, 1)
	}
	if !accountNumber.MatchString(n.Account) || !regionName.MatchString(n.Region) {
		return n, fmt.Errorf("--account %q and --region %q: must be 12 digits and a name such as eu-west-1", c.Account,
			c.Region)
	}
	return n, checkNames(n)
}

// toolRegion is the region of the aws tool as far as the environment says, in the tool's order.
func toolRegion() string {
	if env := cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")); regionName.MatchString(env) {
		return env
	}
	return ""
}

var (
	accountNumber = regexp.MustCompile(`^([0-9]{12}|` + cloud.AccountPlaceholder + `)$`)
	regionName    = regexp.MustCompile(`^([a-z0-9-]+|` + cloud.RegionPlaceholder + `)$`)
)

// odd characters are taken by MQTT in a topic and mean something else in the SQL of a rule, in a template or in a
// policy.
const odd = "'\"*?${}\\"

// checkNames refuses names with which a rule or policy would not be what it looks like, or AWS would not take it.
func checkNames(n cloud.Names) error {
	for key, topic := range map[string]string{"uplink.topic": n.Topic, "uplink.errors_topic": n.ErrorsTopic} {
		if strings.ContainsAny(topic, odd) {
			return config.Errorf(key, "must have none of %s to stand in a rule and a policy, got %q", odd, topic)
		}
	}
	if size := cloud.PolicySize(n.Policy()); size > cloud.MaxPolicy {
		return config.Try(fmt.Errorf("the policy has %d characters, and AWS takes %d", size, cloud.MaxPolicy),
			"shorter names: site, uplink.client_id, uplink.rule, uplink.errors_topic")
	}
	return nil
}

func (c *Printing) text(cfg *settings.Config, n cloud.Names) ([]byte, error) {
	switch c.What {
	case "rule":
		return n.DataRule(n.Form), nil
	case "errors-rule":
		return n.ErrorsRule(), nil
	case "policy":
		return n.Policy(), nil
	case "template":
		return awsfiles.AccountTemplate, nil
	case "gateway-template":
		return awsfiles.GatewayTemplate, nil
	case "cli":
		dir, err := filepath.Abs(cfg.Uplink.Certs.Dir)
		if err != nil {
			return nil, err
		}
		request, err := os.ReadFile(certFile(dir, csrEnd)) // no secret: it goes to AWS as it is
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = nil // the script says what to do
		case errors.Is(err, fs.ErrPermission):
			err = config.Try(err, "sudo for printing; the script itself needs none")
		}
		return n.Script(request, certFile(dir, certEnd)), err
	}
	return n.Dashboard(c.Metrics, cfg.Rollup.Window), nil
}
