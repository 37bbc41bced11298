package cloud

import (
	"fmt"
	"strconv"
	"strings"
	"text/template"

	files "piway/configs/aws"
)

// Placeholders stand for an account and a region that are not known yet; Script has the shell put them in.
const (
	AccountPlaceholder = "@ACCOUNT@"
	RegionPlaceholder  = "@REGION@"
	// partitionPlaceholder is as long as what it mostly stands for: a policy may have so many characters.
	partitionPlaceholder = "@P@"
)

// A Step is one object of the account without CloudFormation: a comment, and a command.
type step struct {
	Why     string
	Command string
}

// Script returns the plain commands in order, with the files that they need, for bash: it can be pasted, runs in a
// subshell and a folder of its own, and stops at the first command that fails. request is the text of what
// `piway-gateway aws csr` made; certificate is the path of what the script makes of it. It runs on any machine, and as a
// user who may not read the gateway's folder: then the certificate is left where the script was run.
func (n Names) Script(request []byte, certificate string) []byte {
	var b strings.Builder
	err := script.Execute(&b, map[string]any{
		"Account": n.Account, "Region": n.Region, "Placeholders": n.Account == AccountPlaceholder ||
			n.Region == RegionPlaceholder,
		"Files": n.scriptFiles(), "Steps": n.steps(), "Request": strings.TrimSpace(string(request)),
		"Certificate": Quote(certificate),
	})
	if err != nil {
		panic("cloud: the script cannot be written: " + err.Error())
	}
	return []byte(b.String())
}

var script = template.Must(template.New("script").Parse(
	`# Paste this into bash, or run it with bash. It makes what piway-gateway publishes to, and its certificate.
# Nothing is replaced: a name that is taken stops it.
(
set -eu
export AWS_PAGER=
CERTIFICATE_FILE={{.Certificate}}
test -w "$(dirname "$CERTIFICATE_FILE")" || CERTIFICATE_FILE=$PWD/$(basename "$CERTIFICATE_FILE")
cd "$(mktemp -d)"
{{- if .Request}}
cat >request.pem <<'PIWAY'
{{.Request}}
PIWAY
{{- else}}
echo "make the key and the signing request first, then print this again: piway-gateway aws csr" >&2
exit 1
{{- end}}
{{- if eq .Account "` + AccountPlaceholder + `"}}
ACCOUNT=$(aws sts get-caller-identity --query Account --output text)
{{- end}}
{{- if eq .Region "` + RegionPlaceholder + `"}}
REGION=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}
test -n "$REGION" || { echo "no region: aws configure, or print this with --region" >&2; exit 1; }
export AWS_REGION="$REGION" AWS_DEFAULT_REGION="$REGION"
case $REGION in cn-*) PARTITION=aws-cn ;; us-gov-*) PARTITION=aws-us-gov ;; *) PARTITION=aws ;; esac
{{- else}}
export AWS_REGION={{.Region}} AWS_DEFAULT_REGION={{.Region}}
{{- end}}
{{range $name, $text := .Files}}
cat >{{$name}} <<'PIWAY'
{{$text}}PIWAY
{{end}}
{{- if .Placeholders}}
sed -i.bak -e "s/` + AccountPlaceholder + `/${ACCOUNT:-}/g" -e "s/` + RegionPlaceholder + `/${REGION:-}/g" \
  -e "s/` + partitionPlaceholder + `/${PARTITION:-}/g" ./*.json
{{end}}
{{- range .Steps}}
# {{.Why}}
{{.Command}}
{{end -}}
test "$CERTIFICATE_FILE" = {{.Certificate}} || echo "copy $CERTIFICATE_FILE to the gateway, as" {{.Certificate}} >&2
)
`))

func (n Names) scriptFiles() map[string]string {
	return map[string]string{
		"trust.json":       string(n.trust()),
		"rule-role.json":   string(n.may(n.Form)),
		"errors-role.json": string(n.may(errorsRole)),
		"rule.json":        string(n.DataRule(n.Form)),
		"errors-rule.json": string(n.ErrorsRule()),
		"policy.json":      string(n.Policy()),
	}
}

// steps are in the order of what needs what. IAM's changes take some seconds to be seen by IoT Core.
func (n Names) steps() []step {
	steps := []step{{"The roles that the rules take, and what they may do.", n.role(n.Form, "rule-role.json") + "\n" +
		n.role(errorsRole, "errors-role.json")}}
	if n.Form == EMF {
		steps = append(steps, step{"The log group of which CloudWatch makes metrics.", strings.Join([]string{
			call("logs", "create-log-group", "--log-group-name", n.LogGroup),
			call("logs", "put-retention-policy", "--log-group-name", n.LogGroup, "--retention-in-days", "14"),
		}, "\n")})
	}
	policy := n.GatewayStack()
	return append(
		steps,
		step{"Where failures are mailed from. For mail: aws sns subscribe --topic-arn ARN --protocol email " +
			"--notification-endpoint YOU@EXAMPLE.COM", call("sns", "create-topic", "--name", alerts)},
		step{"The rules. New roles are not known everywhere at once.", strings.Join([]string{
			"sleep 15",
			call("iot", "create-topic-rule", "--rule-name", n.RuleName(), "--topic-rule-payload", "file://rule.json"),
			call("iot", "create-topic-rule", "--rule-name", files.ErrorsRuleName, "--topic-rule-payload",
				"file://errors-rule.json"),
		}, "\n")},
		step{"An alarm when nothing comes for 15 minutes.", n.alarm()},
		step{"The gateway's policy, certificate and thing.", strings.Join([]string{
			call("iot", "create-policy", "--policy-name", policy, "--policy-document", "file://policy.json"),
			"CERTIFICATE=$(" + call("iot", "create-certificate-from-csr", "--set-as-active", "--certificate-signing-request",
				"file://request.pem") + ` --certificate-pem-outfile "$CERTIFICATE_FILE"` + " --query certificateArn --output text)",
			call("iot", "attach-policy", "--policy-name", policy) + ` --target "$CERTIFICATE"`,
			call("iot", "create-thing", "--thing-name", n.ThingName()),
			call("iot", "attach-thing-principal", "--thing-name", n.ThingName()) + ` --principal "$CERTIFICATE"`,
		}, "\n")},
		step{
			"Set this as uplink.endpoint" + n.settings() + ".",
			EndpointCommand.With("--query", "endpointAddress", "--output", "text").String(),
		},
	)
}

func (n Names) settings() string {
	if n.Rule == "" {
		return ""
	}
	return fmt.Sprintf(", %s as uplink.form and %s as uplink.rule", n.Form, n.Rule)
}

func (n Names) role(kind, document string) string {
	name := n.roleName(kind)
	line := call("iam", "create-role", "--assume-role-policy-document", "file://trust.json", "--role-name", name) + "\n" +
		call("iam", "put-role-policy", "--policy-name", "piway", "--policy-document", "file://"+document, "--role-name", name)
	return strings.ReplaceAll(line, RegionPlaceholder, `"$REGION"`)
}

// alarm is of the form's own metric: IoT Core counts actions that succeeded, CloudWatch Logs counts events.
func (n Names) alarm() string {
	watched := []string{"--namespace", "AWS/IoT", "--metric-name", "Success", "--dimensions", "Name=RuleName,Value=" +
		n.RuleName(), "Name=ActionType,Value=Cloudwatch Metric"}
	if n.Form == EMF {
		watched = []string{
			"--namespace", "AWS/Logs", "--metric-name", "IncomingLogEvents", "--dimensions",
			"Name=LogGroupName,Value=" + n.LogGroup,
		}
	}
	topic := strings.NewReplacer(AccountPlaceholder, `"$ACCOUNT"`, RegionPlaceholder, `"$REGION"`,
		partitionPlaceholder, `"$PARTITION"`).Replace(n.arn("sns", alerts))
	return NewCommand("cloudwatch", "put-metric-alarm", "--alarm-name", "piway-"+n.Form+"-stopped").With(watched...).
		With("--statistic", "Sum", "--period", strconv.Itoa(5*60), "--evaluation-periods", "3", "--threshold", "1",
			"--comparison-operator", "LessThanThreshold", "--treat-missing-data", "breaching").String() +
		" --alarm-actions " + topic + " --ok-actions " + topic
}

func call(args ...string) string { return NewCommand(args...).String() }

// EndpointCommand asks for the address of the account's IoT Core with Amazon's own roots.
var EndpointCommand = NewCommand("iot", "describe-endpoint", "--endpoint-type", "iot:Data-ATS")
