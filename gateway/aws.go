package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	awsfiles "piway/configs/aws"
	"piway/gateway/aws"
	"piway/shared/pki"
)

type awsCmd struct {
	Setup  awsSetupCmd  `cmd:"" help:"Make all that AWS needs and this gateway's certificate, in one go."`
	Remove awsRemoveCmd `cmd:"" help:"Undo what aws setup made."`
	CSR    awsCSRCmd    `cmd:"" name:"csr" help:"Make a private key and a certificate signing request."`
	Print  awsPrintCmd  `cmd:"" help:"Print a rule, the policy, a template, the plain commands or a dashboard."`
}

// defaultConfig is the default of configFile.
const defaultConfig = "/etc/piway/gateway.yaml"

// loadOrDefault is load for commands that come before there is a configuration: a file that is not there, at the
// default place, is one that says nothing.
func (c *configFile) loadOrDefault() (Config, error) {
	if _, err := os.Stat(c.Config); errors.Is(err, fs.ErrNotExist) && c.Config == defaultConfig {
		return Default(), nil
	}
	return c.load()
}

// certName is the name of the gateway's files in the certificate folder, whatever the client id is.
const certName = "piway-gateway"

func certFile(dir, end string) string { return filepath.Join(dir, certName+end) }

// Endings of these files, as shared/pki writes them.
const (
	keyEnd  = "-private.pem.key"
	certEnd = "-certificate.pem.crt"
	csrEnd  = ".csr.pem"
)

// awsNames are the names that the configuration gives.
func awsNames(cfg *Config) aws.Names {
	c := &cfg.Uplink
	return aws.Names{
		Account: aws.AccountPlaceholder, Region: awsRegion(c), ClientID: c.clientID(cfg.Site), Site: cfg.Site, Form: c.Form,
		Rule: c.Rule, Topic: c.Topic, Namespace: c.Namespace, ErrorsTopic: c.ErrorsTopic, LogGroup: aws.DefaultLogGroup,
	}
}

// awsRegion is the one in the endpoint, PREFIX-ats.iot.REGION.amazonaws.com.
func awsRegion(c *UplinkConfig) string {
	host, _, err := c.hostPort()
	if parts := strings.Split(host, "."); err == nil && len(parts) >= 5 && parts[1] == "iot" && net.ParseIP(host) == nil {
		return parts[2]
	}
	return aws.RegionPlaceholder
}

type awsCSRCmd struct {
	configFile
}

// Help is the longer help of the command.
func (*awsCSRCmd) Help() string {
	return `Writes the key (mode 0600), the request and Amazon's root certificates into uplink.certs.dir. A key that is there is kept, always. What is missing then is the certificate, which AWS makes of the request: aws setup and aws print cli do that.

Example:

  piway-gateway aws csr`
}

// Run makes key and request.
func (c *awsCSRCmd) Run(out io.Writer) error {
	cfg, err := c.loadOrDefault()
	if err != nil {
		return err
	}
	r, err := newRequest(cfg.Uplink.Certs.Dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "key      %s; keep it secret, AWS has no copy\nrequest  %s\nroots    Amazon's, beside them\n", r.Key, r.CSR)
	if tell := keyReader(&cfg); tell != "" {
		_, err = fmt.Fprintf(out, "reader   %s\n", tell)
	}
	return err
}

// newRequest makes or finds key and request, with the roots beside them.
func newRequest(dir string) (*pki.Request, error) {
	r, err := pki.NewRequest(dir, certName)
	if err != nil {
		return nil, fmt.Errorf("uplink.certs.dir: %w", err)
	}
	if err := r.WriteRoots(awsfiles.Roots()); err != nil {
		return nil, fmt.Errorf("uplink.certs.dir: %w", err)
	}
	return r, nil
}
