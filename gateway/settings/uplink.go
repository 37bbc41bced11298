package settings

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"piway/gateway/cloud"
	"piway/gateway/uplink"
	"piway/shared/config"
)

// Uplink is the way to AWS.
type Uplink struct {
	Form               string        `yaml:"form"`
	Endpoint           string        `yaml:"endpoint"`
	ClientID           string        `yaml:"client_id"`
	Rule               string        `yaml:"rule"`
	Topic              string        `yaml:"topic"`
	Namespace          string        `yaml:"namespace"`
	ErrorsTopic        string        `yaml:"errors_topic"`
	Canary             time.Duration `yaml:"canary"`
	Certs              Certs         `yaml:"certs"`
	RuleHasTimestamp   bool          `yaml:"rule_has_timestamp"`
	Window             int           `yaml:"window"`
	PublishesPerSecond int           `yaml:"publishes_per_second"`
	BytesPerSecond     config.Size   `yaml:"bytes_per_second"`
	AckTimeout         time.Duration `yaml:"ack_timeout"`
	StallAfter         time.Duration `yaml:"stall_after"`
	ConnectInterval    time.Duration `yaml:"connect_interval"`
	MaxBackoff         time.Duration `yaml:"max_backoff"`
	KeepAlive          time.Duration `yaml:"keep_alive"`
}

// Certs is where the one certificate is: a folder, or paths that go before what is found there.
type Certs struct {
	Dir   string   `yaml:"dir"`
	Roots []string `yaml:"roots"`
	Cert  string   `yaml:"cert"`
	Key   string   `yaml:"key"`
}

// Limits of names at IoT Core (AWS IoT Core quotas, message broker; a rule's name: AWS::IoT::TopicRule).
const (
	maxTopic        = 256
	maxTopicSlashes = 7
)

var (
	ruleName = regexp.MustCompile(`^[a-zA-Z0-9_]{1,128}$`)
	// the safe set of CloudWatch's user guide
	namespace = regexp.MustCompile(`^[0-9A-Za-z._/#-][0-9A-Za-z._/#: -]{0,254}$`)
	clientID  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:-]*$`) // what a topic and an ARN hold as it is
)

func (c *Uplink) validate(site string) error {
	errs := []error{
		within("uplink.window", c.Window, 1, uplink.MaxWindow),
		within("uplink.publishes_per_second", c.PublishesPerSecond, 3, uplink.MaxPublishes),
		within("uplink.bytes_per_second", c.BytesPerSecond, 2*uplink.MaxPayload, uplink.MaxBytes),
		within("uplink.ack_timeout", c.AckTimeout, time.Second, 10*time.Minute),
		within("uplink.stall_after", c.StallAfter, time.Second, time.Hour),
		within("uplink.connect_interval", c.ConnectInterval, time.Second, time.Hour),
		within("uplink.max_backoff", c.MaxBackoff, time.Second, time.Hour),
		within("uplink.keep_alive", c.KeepAlive, 30*time.Second, 20*time.Minute),
		c.validateForm(), c.validateTopics(), c.validateEndpoint(),
	}
	if id := cloud.ClientID(c.ClientID, site); !clientID.MatchString(c.ClientID) || len(id) > cloud.MaxClientID {
		errs = append(errs, config.Errorf("uplink.client_id", "must have letters, digits and _ . : - only, and with the "+
			"site at most %d of them, got %q",
			cloud.MaxClientID, c.ClientID))
	}
	if c.Canary != 0 && (c.Canary < time.Minute || c.Canary > 30*24*time.Hour) {
		errs = append(errs, config.Errorf("uplink.canary", "must be between 1m and 30d, or 0s for none, got %s", c.Canary))
	}
	return errors.Join(errs...)
}

func (c *Uplink) validateForm() error {
	var errs []error
	if c.Form != cloud.Metric && c.Form != cloud.EMF {
		errs = append(errs, config.Errorf("uplink.form", "must be metric or emf, got %q", c.Form))
	}
	if c.Form == cloud.EMF && !c.RuleHasTimestamp {
		errs = append(errs, config.Errorf("uplink.rule_has_timestamp",
			"must be true in the emf form, whose documents carry their time"))
	}
	if !namespace.MatchString(c.Namespace) || strings.TrimSpace(c.Namespace) == "" ||
		strings.HasPrefix(c.Namespace, "AWS/") {
		errs = append(errs, config.Errorf("uplink.namespace", "must have 1 to 255 letters, digits, spaces and . - _ / # :, "+
			"not starting with a space, a colon or AWS/, got %q", c.Namespace))
	}
	return errors.Join(errs...)
}

func (c *Uplink) validateTopics() error {
	var errs []error
	if c.Rule != "" && !ruleName.MatchString(c.Rule) {
		errs = append(errs, config.Errorf("uplink.rule", "must have 1 to 128 letters, digits and underscores, as AWS names "+
			"rules, got %q", c.Rule))
	}
	if c.Rule != "" && c.Topic != "" {
		errs = append(errs, config.Errorf("uplink.topic",
			"must be empty where uplink.rule names the rule to publish to, got %q", c.Topic))
	}
	// The client id is one level more.
	return errors.Join(append(errs, cloudTopic("uplink.topic", c.Topic, 0),
		cloudTopic("uplink.errors_topic", c.ErrorsTopic, 1+cloud.LongestID))...)
}

// cloudTopic checks a topic at IoT Core that may be left out, and to which more bytes will be added.
func cloudTopic(key, topic string, more int) error {
	if topic == "" {
		return nil
	}
	slashes := maxTopicSlashes
	if more > 0 {
		slashes--
	}
	if len(topic)+more > maxTopic || strings.Count(topic, "/") > slashes {
		return config.Errorf(key, "must have at most %d bytes and %d slashes for IoT Core, got %q", maxTopic-more, slashes,
			topic)
	}
	return plainTopic(key, topic)
}

// Cloud are the names by which AWS knows what this configuration is of.
func (c *Config) Cloud() cloud.Names {
	u := &c.Uplink
	return cloud.Names{
		Account: cloud.AccountPlaceholder, Region: u.Region(), ClientID: cloud.ClientID(u.ClientID, c.Site), Site: c.Site,
		Form: u.Form,
		Rule: u.Rule, Topic: u.Topic, Namespace: u.Namespace, ErrorsTopic: u.ErrorsTopic, LogGroup: cloud.DefaultLogGroup,
	}
}
