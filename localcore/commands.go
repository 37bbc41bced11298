package main

import (
	"context"
	"errors"
	"log/slog"

	"piway/localcore/localcore"
	"piway/shared/cli"
	"piway/shared/pki"
)

const description = `A stand-in for AWS IoT Core and CloudWatch on this machine: MQTT 3.1.1 over mutual TLS, topic rules, metrics and logs in memory, quotas, and the bill.

Try it: piway-localcore run, then point a gateway's uplink.endpoint at 127.0.0.1:8883 and its uplink.certs.dir at localcore-certs.`

type commands struct {
	Run   runCmd   `cmd:"" help:"Serve until interrupted."`
	Certs certsCmd `cmd:"" help:"Make a certificate folder."`
}

type runCmd struct {
	Listen        string     `help:"Address for MQTT over TLS. In a container: 0.0.0.0:8883." default:"${listen}"`
	HTTP          string     `name:"http" help:"Address of the page, of /metrics.json and of the faults." default:"${http}"`
	Certs         string     `help:"Certificate folder (default: ${default}). An empty one gets a new set." default:"${certs}" placeholder:"DIR"`
	Rule          []string   `help:"Topic-rule file, as for aws iot create-topic-rule or from get-topic-rule, named like its rule; repeatable. Default: the files of configs/aws/rules." placeholder:"FILE" sep:"none"`
	SkipForeign   bool       `name:"skip-foreign-actions" help:"Load rules without the actions that are not supported here, and say which."`
	Policy        []string   `help:"Policy file, as for aws iot create-policy or from get-policy; repeatable. Without one every client may do everything." placeholder:"FILE" sep:"none"`
	BuiltInPolicy bool       `help:"Use configs/aws/policy.json, for a gateway with the default names in the metric form."`
	Region        string     `help:"AWS region in the ARNs of policies." default:"${region}"`
	Account       string     `help:"AWS account in the ARNs of policies." default:"${account}"`
	Thing         string     `help:"Thing that the certificate is attached to, for policies with thing variables." placeholder:"NAME"`
	LogGroup      []string   `help:"A log group, with its retention in days; repeatable." default:"${group}" placeholder:"NAME:DAYS" sep:"none"`
	Prices        string     `help:"File with the prices of your region. Default: shared/prices/us-east-1.yaml, which is built in." placeholder:"FILE" type:"existingfile"`
	Fault         []string   `help:"A fault from the start: withhold, delay, close, refuse, throttle, fail or offline; repeatable." placeholder:"NAME:LENGTH:VALUE" sep:"none"`
	Record        string     `help:"File to which each datapoint is appended, as a line of JSON." placeholder:"FILE"`
	Host          []string   `help:"Another name or address of this server, for a new certificate and for the page; repeatable." placeholder:"NAME" sep:"none"`
	LogLevel      slog.Level `help:"debug, info, warn or error." default:"info"`
}

// Help is the longer help of the command.
func (*runCmd) Help() string {
	return `A client needs the folder's AmazonRootCA1.pem, *-certificate.pem.crt and *-private.pem.key. The page at http://127.0.0.1:8080, and /metrics.json, show what becomes of its messages.

Example, with the rule and the policy that you are going to install:

  piway-gateway aws print rule > piway_metric.json
  piway-gateway aws print policy > policy.json
  piway-localcore run --certs ./certs --rule piway_metric.json --policy policy.json

Faults on request, for a time:

  curl -X POST 'http://127.0.0.1:8080/faults/offline?for=30s'
  curl -X POST 'http://127.0.0.1:8080/faults/delay?for=1m&value=500ms'
  curl -X POST 'http://127.0.0.1:8080/faults/offline?for=0s'`
}

// Run serves until ctx ends.
func (r *runCmd) Run(ctx context.Context, s cli.Streams) error {
	log := slog.New(slog.NewTextHandler(s.Err, &slog.HandlerOptions{Level: r.LogLevel}))
	cfg := localcore.Config{
		Listen: r.Listen, HTTP: r.HTTP, Certs: r.Certs, Hosts: hosts(r.Host), Rules: r.Rule,
		SkipForeignActions: r.SkipForeign, Policies: r.Policy, BuiltInPolicy: r.BuiltInPolicy, Region: r.Region,
		Account: r.Account, Thing: r.Thing, LogGroups: r.LogGroup, Prices: r.Prices, Faults: r.Fault, Record: r.Record,
	}
	c, err := localcore.Open(ctx, cfg, log)
	if err != nil {
		return err
	}
	return c.Run(ctx)
}

type certsCmd struct {
	Dir  string   `arg:"" help:"Folder for the files." placeholder:"DIR"`
	Host []string `help:"Another name or address of the server; repeatable." placeholder:"NAME" sep:"none"`
	Keep bool     `help:"If the folder has certificates, leave it as it is and succeed."`
}

// Help is the longer help of the command.
func (*certsCmd) Help() string {
	return `Names the files as AWS names its downloads, and adds a pair for the server.

Example, for a server whose name is localcore:

  piway-localcore certs ./certs --host localcore`
}

// Run makes the folder.
func (c *certsCmd) Run() error {
	err := pki.MakeAWS(c.Dir, hosts(c.Host))
	if c.Keep && errors.Is(err, pki.ErrExists) {
		return nil
	}
	return err
}

// hosts adds the loopback names to those that were asked for.
func hosts(more []string) []string { return append([]string{"localhost", "127.0.0.1", "::1"}, more...) }
