package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"piway/gateway/cloud"
	"piway/shared/address"
	"piway/shared/config"
)

// Ports of IoT Core for MQTT with client certificates: on the second one several protocols are served (AWS IoT,
// protocols).
const (
	MQTTSPort = "8883"
	ALPNPort  = "443"
)

// askAWS is where the right endpoint comes from.
const askAWS = "the address that `aws iot describe-endpoint --endpoint-type iot:Data-ATS` prints"

// HostPort is the endpoint's, with the default port.
func (c *Uplink) HostPort() (host, port string, err error) {
	a, err := address.Parse(c.Endpoint, MQTTSPort)
	return a.Host, a.Port, err
}

// validateEndpoint refuses what can reach nobody, and names of AWS behind which no broker is.
func (c *Uplink) validateEndpoint() error {
	if c.Endpoint == "" {
		return nil // the commands that need none
	}
	host, _, err := c.HostPort()
	if m, ok := errors.AsType[*address.Mistake](err); ok {
		try := m.Try
		if try == "" {
			try = askAWS
		}
		return config.Try(config.Errorf("uplink.endpoint", "must be HOST or HOST:PORT, %s, got %q", m.Why, c.Endpoint), try)
	}
	if strings.HasSuffix(strings.ToLower(host), "-ats") {
		return config.Try(config.Errorf("uplink.endpoint", "must be the whole name, and not only its first part, got %q",
			c.Endpoint), askAWS)
	}
	name, ok := parseAWS(host)
	if !ok {
		return nil
	}
	if wrong := name.noBroker(); wrong != "" {
		return config.Try(config.Errorf("uplink.endpoint", "must be the address of your account's message broker, and this "+
			"is %s, got %q", wrong, c.Endpoint), askAWS)
	}
	if name.inChina() != strings.HasPrefix(name.region, "cn-") {
		return config.Try(config.Errorf("uplink.endpoint", "must end with .amazonaws.com.cn in the regions of China and "+
			"nowhere else, got %q", c.Endpoint), askAWS)
	}
	return nil
}

// Doubt returns why the endpoint is one that hardly works, nil if nothing is odd about it. Its own names, which a
// custom domain of IoT Core has, and addresses on the LAN are not odd.
func (c *Uplink) Doubt() error {
	host, port, err := c.HostPort()
	if err != nil {
		return nil // no endpoint, or a mistake
	}
	why, try := "", ""
	if ip, err := netip.ParseAddr(host); err == nil && isPublic(ip) {
		why, try = "is an address, and AWS is reached by a name, to which its certificate is made out", askAWS
	}
	if name, ok := parseAWS(host); ok && name.noBroker() == "" {
		why, try = name.doubt(host, port)
	}
	if why == "" {
		return nil
	}
	return config.Try(config.Errorf("uplink.endpoint", "%s, got %q", why, c.Endpoint), try)
}

// doubt says what is odd about a broker's name, "" if nothing is, and what to try.
func (n *awsName) doubt(host, port string) (why, try string) {
	switch {
	case !regionForm.MatchString(n.region):
		return "names no region of AWS behind \"" + n.service + ".\"", askAWS
	case slices.Contains([]string{"data", "data-ats"}, n.before[0]):
		return "is for programs with AWS credentials, a gateway has its account's own", askAWS
	case n.legacy():
		return "is the account's old address, whose certificate the Amazon roots do not vouch for", n.ats()
	case port != MQTTSPort && port != ALPNPort:
		return "AWS speaks MQTT on the ports " + MQTTSPort + " and " + ALPNPort + " only", host
	}
	return "", ""
}

// carrierGrade is what Tailscale and providers use as private addresses too (RFC 6598).
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")

func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !carrierGrade.Contains(ip)
}

// regionForm is how AWS names regions: eu-west-1, us-gov-west-1, ap-southeast-4.
var regionForm = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]+$`)

// An awsName is a name of IoT Core taken apart: BEFORE.SERVICE.REGION[.vpce].SUFFIX.
type awsName struct {
	before          []string
	service, region string
	suffix          string
}

// suffixes of AWS's names, the second of each for IPv6 too (botocore, endpoint rules of iot-data).
var suffixes = []string{
	".amazonaws.com", ".api.aws", ".vpce.amazonaws.com",
	".amazonaws.com.cn", ".api.amazonwebservices.com.cn", ".vpce.amazonaws.com.cn",
}

// parseAWS takes a name of IoT Core apart; ok is false for any other.
func parseAWS(host string) (n awsName, ok bool) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	for _, s := range suffixes {
		if rest, is := strings.CutSuffix(host, s); is && len(s) > len(n.suffix) {
			labels := strings.Split(rest, ".")
			at := len(labels) - 2 // the region is the last
			if at < 0 || labels[at] != "iot" && labels[at] != "iot-fips" {
				continue
			}
			n, ok = awsName{labels[:at], labels[at], labels[at+1], s}, true
		}
	}
	return n, ok
}

func (n *awsName) inChina() bool { return strings.HasSuffix(n.suffix, ".cn") }

// noBroker says what is behind the name if it is certain that MQTT is not (AWS IoT, device data and service endpoints).
func (n *awsName) noBroker() string {
	if len(n.before) == 0 {
		return "the address for managing IoT Core"
	}
	switch n.before[len(n.before)-1] {
	case "credentials":
		return "the credential provider's (iot:CredentialProvider)"
	case "jobs":
		return "the one for jobs (iot:Jobs)"
	case "tunneling":
		return "the one for tunnels"
	case "fleethub":
		return "Fleet Hub's"
	}
	if strings.HasPrefix(n.before[0], "greengrass") {
		return "Greengrass's"
	}
	return ""
}

// legacy says whether it is the address of iot:Data, PREFIX.iot.REGION.amazonaws.com.
func (n *awsName) legacy() bool {
	return len(n.before) == 1 && !strings.HasSuffix(n.before[0], "-ats") && n.service == "iot" &&
		strings.HasPrefix(n.suffix, ".amazonaws.com")
}

// ats is the name of iot:Data-ATS for that of iot:Data. In China its end is a label of its own.
func (n *awsName) ats() string {
	ats := "-ats"
	if n.inChina() {
		ats = ".ats"
	}
	return n.before[0] + ats + "." + n.service + "." + n.region + n.suffix
}

// Region is the one that the endpoint names, cloud.RegionPlaceholder if it names none.
func (c *Uplink) Region() string {
	host, _, err := c.HostPort()
	if name, ok := parseAWS(host); err == nil && ok && regionForm.MatchString(name.region) {
		return name.region
	}
	return cloud.RegionPlaceholder
}

func validateListen(key, text, every string) error {
	_, err := address.Listen(text)
	m, ok := errors.AsType[*address.Mistake](err)
	switch {
	case !ok:
		return nil
	case m.Try == "":
		return config.Errorf(key, "must be ADDRESS:PORT or :PORT, such as %q, got %q", every, text)
	}
	return config.Try(config.Errorf(key, "must be ADDRESS:PORT or :PORT, %s, got %q", m.Why, text), m.Try)
}

// TLSAddress is where TLS is spoken: broker.listen_tls, or else port 8883 of the address in broker.listen, which a
// configuration from before TLS may have limited to one network.
func (c *Broker) TLSAddress() string {
	if c.ListenTLS != "" {
		return c.ListenTLS
	}
	a, err := address.Listen(c.Listen)
	if err != nil {
		return ":8883" // the error is told of the other key
	}
	a.Port = "8883"
	return a.String()
}

// validateAdvertise refuses what a device could not dial. Tokens have room for three.
func (c *Broker) validateAdvertise() error {
	var errs []error
	if n := len(c.Advertise); n > maxAdvertise {
		errs = append(errs, config.Errorf("broker.advertise", "must be at most %d addresses, because a token has room for so "+
			"many, got %d", maxAdvertise, n))
	}
	for i, text := range c.Advertise {
		key := fmt.Sprintf("broker.advertise[%d]", i)
		a, err := address.Parse(text, MQTTSPort)
		m, ok := errors.AsType[*address.Mistake](err)
		switch {
		case ok && m.Try != "":
			errs = append(errs, config.Try(config.Errorf(key, "must be HOST or HOST:PORT, %s, got %q", m.Why, text), m.Try))
		case ok:
			errs = append(errs, config.Errorf(key, "must be HOST or HOST:PORT, %s, got %q", m.Why, text))
		case strings.Contains(a.Host, "%"):
			errs = append(errs, config.Errorf(key, "must be an address that other machines have too, and an interface is this "+
				"machine's own, got %q", text))
		}
	}
	return errors.Join(errs...)
}

// maxAdvertise is how many addresses a token has room for.
const maxAdvertise = 3
