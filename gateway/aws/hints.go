package aws

import (
	"strings"
	"time"
)

// What to try, where several things said lead to it.
const (
	tryLogin  = "aws configure, or aws sso login, then run this again; --profile NAME if your login has a name"
	tryRights = "credentials that may make IAM roles, IoT rules and certificates and CloudFormation stacks, such as an " +
		"administrator's"
	tryClock = "this machine's clock, which says NOW: timedatectl set-ntp true, or sudo date -s, then run this again"
	tryLater = "wait a minute, then run this again; it continues where it stopped"
)

// An effect is what sudo may have to do with it.
type effect int

const (
	none    effect = iota
	dropped        // it dropped the variable that says which login or region
	root           // it has the tool take root's login
)

// hints are what to do about what the tool says on standard error. The first that fits is told.
var hints = []struct {
	said, try string
	sudo      effect
}{
	{"Unable to locate credentials", tryLogin, dropped},
	{
		"could not be found",
		"--profile with a name that stands in ~/.aws/config (version 2 of the tool: aws configure list-profiles)", dropped,
	},
	// A clock that is wrong: signatures are good for some minutes, certificates for their time.
	{"Signature expired", tryClock, none},
	{"Signature not yet current", tryClock, none},
	{"RequestTimeTooSkewed", tryClock, none},
	{"RequestExpired", tryClock, none},
	{"certificate is not yet valid", tryClock, none},
	{"certificate has expired", tryClock, none},
	{"SignatureDoesNotMatch", "aws configure: the secret key is not the one of this access key. Or " + tryClock, root},
	{"ExpiredToken", "aws sso login, or new credentials, then run this again", root},
	{"Token has expired", "aws sso login, then run this again", root},
	{"Error loading SSO Token", "aws sso login, then run this again", root},
	{"The SSO session associated with this profile", "aws sso login, then run this again", root},
	{"session has expired", "aws login, then run this again", root},
	{"InvalidClientTokenId", "aws configure: AWS does not know these credentials", root},
	{"UnrecognizedClientException", "aws configure: AWS does not know these credentials, or not in this --region", root},
	{"must specify a region", "--region us-east-1, or aws configure", dropped},
	{"Could not connect to the endpoint", "check that this machine reaches the internet and that AWS has this --region", none},
	{"CERTIFICATE_VERIFY_FAILED", "apt install ca-certificates, and no proxy that opens TLS", none},
	{"AccessDenied", tryRights, none},
	{"not authorized to perform", tryRights, none},
	{"already exists", "delete what is there under this name, or set another name in the configuration", none},
	{"Rate exceeded", tryLater, none},
	{"Throttling", tryLater, none},
	{"TooManyRequests", tryLater, none},
	{"_IN_PROGRESS state and can not be updated", tryLater + ": another one is at work on it", none},
	{"LimitExceeded", "raise the quota in AWS's console, Service Quotas", none},
}

func (c *CLI) hint(e *CommandError) string {
	for _, h := range hints {
		if !strings.Contains(e.Stderr, h.said) {
			continue
		}
		try := strings.Replace(h.try, "NOW", time.Now().UTC().Format(time.RFC3339), 1)
		if c.Again != "" && (h.sudo == dropped || h.sudo == root && c.As == nil) {
			return c.Again + "   (without -E sudo drops AWS_PROFILE and the like); or " + try
		}
		return try
	}
	return "run the command by itself to see more; piway-gateway, run again, continues where it stopped"
}
