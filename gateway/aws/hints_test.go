package aws

import (
	"strings"
	"testing"
)

// What the tool and AWS say, in their own words, and what is to be tried.
func TestCLI_hint(t *testing.T) {
	const again = "sudo -E piway-gateway aws setup"
	for _, c := range []struct{ name, said, want string }{
		{"no login", "Unable to locate credentials. You can configure credentials by running \"aws configure\".", again + "   (without -E"},
		{"no such profile", "The config profile (x) could not be found", again},
		{"no region", "You must specify a region. You can also configure your region by running \"aws configure\".", again},
		{"clock, STS", "An error occurred (SignatureDoesNotMatch) when calling the GetCallerIdentity operation: Signature " +
			"expired: 20260101T000000Z is now earlier than 20261128T000000Z", "this machine's clock, which says 20"},
		{"clock, ahead", "An error occurred (InvalidSignatureException) when calling the DescribeEndpoint operation: " +
			"Signature not yet current: 20270101T000000Z is still later than 20261128T000500Z", "clock"},
		{"clock, request", "An error occurred (RequestExpired) when calling the DescribeStacks operation: Request has expired.", "clock"},
		{"clock, TLS", "SSL validation failed for https://iot.us-east-1.amazonaws.com/endpoint [SSL: CERTIFICATE_VERIFY_FAILED] " +
			"certificate verify failed: certificate is not yet valid (_ssl.c:1007)", "timedatectl"},
		{"no roots", "SSL validation failed for https://iot.us-east-1.amazonaws.com/ [SSL: CERTIFICATE_VERIFY_FAILED] certificate " +
			"verify failed: unable to get local issuer certificate (_ssl.c:1007)", "ca-certificates"},
		{"wrong secret", "An error occurred (SignatureDoesNotMatch) when calling the GetCallerIdentity operation: The request " +
			"signature we calculated does not match the signature you provided.", "secret key"},
		{"expired login", "An error occurred (ExpiredToken) when calling the GetCallerIdentity operation: The security token " +
			"included in the request is expired", "sso login"},
		{"expired SSO", "Error when retrieving token from sso: Token has expired and refresh failed", "aws sso login"},
		{"no SSO", "Error loading SSO Token: Token for me does not exist", "aws sso login"},
		{"unknown key", "An error occurred (UnrecognizedClientException) when calling the DescribeEndpoint operation: The " +
			"security token included in the request is invalid.", "aws configure"},
		{"throttled", "An error occurred (Throttling) when calling the DescribeStacks operation (reached max retries: 9): Rate " +
			"exceeded", "wait a minute"},
		{"throttled, IoT", "An error occurred (TooManyRequestsException) when calling the DescribeCertificate operation", "wait a minute"},
		{"busy stack", "An error occurred (ValidationError) when calling the CreateChangeSet operation: Stack:arn:aws:x is in " +
			"CREATE_IN_PROGRESS state and can not be updated.", "another one is at work"},
		{"rights", "An error occurred (AccessDenied) when calling the CreateChangeSet operation: not authorized", "administrator"},
		{"no network", "Could not connect to the endpoint URL: \"https://sts.x.amazonaws.com/\"", "internet"},
		{"something else", "Segmentation fault", "by itself"},
	} {
		cli := CLI{Again: again}
		got := cli.hint(&CommandError{Stderr: c.said})
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		// A login that was taken from the caller's home and is no good is not made better by sudo -E.
		cli.As = &Caller{}
		if got := cli.hint(&CommandError{Stderr: c.said}); strings.Contains(got, again) && !strings.Contains(c.name, "no ") {
			t.Errorf("%s: got %q, which leads in a circle", c.name, got)
		}
	}
}
