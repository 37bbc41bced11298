//go:build aws

package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	awsfiles "piway/configs/aws"
	"piway/gateway/settings"
	"piway/localcore/localcore"
	"piway/shared/pki"
)

// core asks a localcore of the test's own.
func (l *inquiry) core() {
	l.t.Helper()
	cfg := localcore.Default()
	dir := l.t.TempDir()
	cfg.Listen, cfg.HTTP, cfg.Certs = "127.0.0.1:0", "127.0.0.1:0", filepath.Join(dir, "certs")
	l.names, l.wait = liveNames("core", cfg.Account, cfg.Region), 2*time.Second
	l.pause = 1100 * time.Millisecond
	cfg.LogGroups = []string{l.names[0].LogGroup}
	for name, text := range l.rules() {
		cfg.Rules = append(cfg.Rules, l.write(dir, name+".json", text))
	}
	cfg.Policies = []string{l.write(dir, "policy.json", l.policy())}
	c, err := localcore.Open(l.t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		l.t.Fatal(err)
	}
	(&world{t: l.t}).serve("localcore", c.Run)
	l.cfg = settings.Default()
	l.cfg.Uplink.Endpoint, l.cfg.Uplink.Certs.Dir = c.MQTTAddr().String(), cfg.Certs
}

func (l *inquiry) write(dir, name string, text []byte) string {
	l.t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		l.t.Fatal(err)
	}
	return path
}

// role is the one that both rules take, in an account.
func (l *inquiry) role() string {
	return "piway-live-" + strings.TrimPrefix(l.names[0].ClientID, "piway-live-")
}

// rules are both rules by name, with the run's role.
func (l *inquiry) rules() map[string][]byte {
	all := map[string][]byte{}
	for _, n := range l.names {
		text := n.DataRule(n.Form)
		for _, form := range []string{"metric", "emf"} {
			text = bytes.ReplaceAll(text, []byte("role/piway-"+form+"-"+n.Region+`"`), []byte("role/"+l.role()+`"`))
		}
		all[n.Rule] = text
	}
	return all
}

func (l *inquiry) arn(rest string) string {
	partition := "aws"
	switch {
	case strings.HasPrefix(l.names[0].Region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(l.names[0].Region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return "arn:" + partition + ":iot:" + l.names[0].Region + ":" + l.names[0].Account + ":" + rest
}

type statements = []map[string]any

func (l *inquiry) document(s statements) []byte {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": s})
	if err != nil {
		l.t.Fatal(err)
	}
	return text
}

// policy allows what the questions need, and not the topic that is to be denied.
func (l *inquiry) policy() []byte {
	n := &l.names[0]
	former, _ := n.Former()
	errorTopic := n.ErrorTopics()[0]
	return l.document(statements{
		{"Effect": "Allow", "Action": "iot:Connect", "Resource": l.arn("client/" + n.ClientID)},
		{"Effect": "Allow", "Action": "iot:Publish", "Resource": []string{
			l.arn("topic/" + n.DataTopic()), l.arn("topic/" + l.names[1].DataTopic()), l.arn("topic/" + former),
		}},
		{"Effect": "Allow", "Action": "iot:Subscribe", "Resource": l.arn("topicfilter/" + errorTopic)},
		{"Effect": "Allow", "Action": "iot:Receive", "Resource": l.arn("topic/" + errorTopic)},
	})
}

// account makes what is asked in the account of the aws tool; all of it is deleted at the end.
func (l *inquiry) account(ctx context.Context) {
	l.t.Helper()
	var run [4]byte
	_, _ = rand.Read(run[:]) // never fails, says crypto/rand
	endpoint := l.aws(ctx, "iot", "describe-endpoint", "--endpoint-type", "iot:Data-ATS", "--query", "endpointAddress")
	l.cfg = settings.Default()
	l.cfg.Uplink.Endpoint = endpoint
	l.names = liveNames(hex.EncodeToString(run[:]), l.aws(ctx, "sts", "get-caller-identity", "--query", "Account"),
		l.cfg.Uplink.Region())
	l.wait, l.pause = 30*time.Second, 11*time.Second
	dir := l.t.TempDir()

	group := l.names[0].LogGroup
	l.aws(ctx, "logs", "create-log-group", "--log-group-name", group)
	l.later("logs", "delete-log-group", "--log-group-name", group)
	l.aws(ctx, "logs", "put-retention-policy", "--log-group-name", group, "--retention-in-days", "14")
	l.events = func(ctx context.Context) (string, error) {
		return l.try(ctx, "logs", "filter-log-events", "--log-group-name", group, "--query", "events[].message")
	}
	l.makeRole(ctx, dir)
	for name, text := range l.rules() {
		l.aws(ctx, "iot", "create-topic-rule", "--rule-name", name, "--topic-rule-payload", "file://"+l.write(dir, name, text))
		l.later("iot", "delete-topic-rule", "--rule-name", name)
	}
	l.makeCertificate(ctx, dir)
}

func (l *inquiry) makeRole(ctx context.Context, dir string) {
	trust := l.document(statements{{
		"Effect": "Allow", "Principal": map[string]string{"Service": "iot.amazonaws.com"}, "Action": "sts:AssumeRole",
		"Condition": map[string]any{"StringEquals": map[string]string{"aws:SourceAccount": l.names[0].Account}},
	}})
	logs := strings.Replace(l.arn("log-group:"+l.names[0].LogGroup+":*"), ":iot:", ":logs:", 1)
	may := l.document(statements{
		{
			"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*",
			"Condition": map[string]any{"StringEquals": map[string]string{"cloudwatch:namespace": l.names[0].Namespace}},
		},
		{"Effect": "Allow", "Action": "iot:Publish", "Resource": l.arn("topic/" + l.names[0].ErrorsTopic + "/*")},
		{
			"Effect": "Allow", "Resource": logs,
			"Action": []string{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
		},
	})
	l.aws(ctx, "iam", "create-role", "--role-name", l.role(), "--assume-role-policy-document",
		"file://"+l.write(dir, "trust.json", trust))
	l.later("iam", "delete-role", "--role-name", l.role())
	l.aws(ctx, "iam", "put-role-policy", "--role-name", l.role(), "--policy-name", "live", "--policy-document",
		"file://"+l.write(dir, "may.json", may))
	l.later("iam", "delete-role-policy", "--role-name", l.role(), "--policy-name", "live")
	time.Sleep(15 * time.Second) // a new role is not known everywhere at once, which nothing announces
}

func (l *inquiry) makeCertificate(ctx context.Context, dir string) {
	certs := filepath.Join(dir, "certs")
	request, err := pki.NewRequest(certs, "live")
	if err != nil {
		l.t.Fatal(err)
	}
	if err := request.WriteRoots(awsfiles.Roots()); err != nil {
		l.t.Fatal(err)
	}
	name := l.names[0].ClientID
	l.aws(ctx, "iot", "create-policy", "--policy-name", name, "--policy-document",
		"file://"+l.write(dir, "policy.json", l.policy()))
	l.later("iot", "delete-policy", "--policy-name", name)
	arn := l.aws(ctx, "iot", "create-certificate-from-csr", "--set-as-active", "--certificate-signing-request",
		"file://"+request.CSR, "--query", "certificateArn")
	id := arn[strings.LastIndex(arn, "/")+1:]
	l.later("iot", "delete-certificate", "--certificate-id", id)
	l.later("iot", "update-certificate", "--certificate-id", id, "--new-status", "INACTIVE")
	pem := l.aws(ctx, "iot", "describe-certificate", "--certificate-id", id, "--query", "certificateDescription.certificatePem")
	if err := request.WriteCertificate([]byte(pem + "\n")); err != nil {
		l.t.Fatal(err)
	}
	l.aws(ctx, "iot", "attach-policy", "--policy-name", name, "--target", arn)
	l.later("iot", "detach-policy", "--policy-name", name, "--target", arn)
	l.cfg.Uplink.Certs.Dir = certs
}

// try runs the aws tool and returns what it wrote.
func (l *inquiry) try(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "aws", append(args, "--output", "text")...)
	cmd.Env = append(os.Environ(), "AWS_PAGER=")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		l.t.Logf("aws %s: %v: %s", strings.Join(args, " "), err, &said)
	}
	return strings.TrimSpace(string(out)), err
}

// aws is try for what must not fail.
func (l *inquiry) aws(ctx context.Context, args ...string) string {
	l.t.Helper()
	out, err := l.try(ctx, args...)
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

// later runs the command at the end, whatever happened, in the opposite order: what is attached may need five minutes
// to be let go of (AWS IoT API, DeletePolicy).
func (l *inquiry) later(args ...string) {
	l.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 7*time.Minute)
		defer cancel()
		for {
			if _, err := l.try(ctx, args...); err == nil {
				return
			}
			select {
			case <-ctx.Done():
				l.t.Errorf("left in the account: aws %s", strings.Join(args, " "))
				return
			case <-time.After(20 * time.Second):
			}
		}
	})
}
