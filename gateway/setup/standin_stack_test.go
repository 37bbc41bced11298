package setup

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"os"
	"slices"
	"strings"
	"time"
)

func (a *awsAccount) describe(c awsCall) int {
	names := slices.Sorted(maps.Keys(a.Stacks))
	if only := c.one("--stack-name"); only != "" {
		names = []string{only}
	}
	list := []map[string]any{}
	for _, name := range names {
		s := a.look(name)
		if s == nil {
			return a.refuse("ValidationError", "DescribeStacks", "Stack with id "+name+" does not exist")
		}
		outputs := s.Outputs
		if strings.HasSuffix(s.Status, "_IN_PROGRESS") {
			outputs = nil
		}
		list = append(list, map[string]any{
			"StackName": name, "StackStatus": s.Status, "Parameters": keyed(s.Parameters, "Parameter"),
			"Tags": keyed(s.Tags, ""), "Outputs": keyed(outputs, "Output"),
		})
	}
	return a.reply(map[string]any{"Stacks": list})
}

// look lets a stack go on with what it is at.
func (a *awsAccount) look(name string) *awsStack {
	s := a.Stacks[name]
	if s == nil || s.Looks == 0 {
		return s
	}
	if s.Looks--; s.Looks > 0 {
		return s
	}
	if s.Status = s.Then; s.Then == "" {
		delete(a.Stacks, name)
		return nil
	}
	return s
}

func keyed(m map[string]string, prefix string) []map[string]string {
	list := []map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, map[string]string{prefix + "Key": k, prefix + "Value": m[k]})
	}
	return list
}

func (a *awsAccount) deploy(c awsCall) int {
	name := c.one("--stack-name")
	template, err := os.ReadFile(c.one("--template-file"))
	if err != nil {
		_, _ = fmt.Fprintf(a.said, "Invalid template path %s\n", c.one("--template-file"))
		return 255
	}
	s := a.Stacks[name]
	switch {
	case s != nil && !slices.Contains([]string{
		"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE",
		"REVIEW_IN_PROGRESS",
	}, s.Status):
		return a.refuse("ValidationError", "CreateChangeSet", "Stack:arn:aws:cloudformation:us-east-1:123456789012:stack/"+
			name+"/1 is in "+s.Status+" state and can not be updated.")
	case strings.Contains(string(template), "AWS::IAM::Role") && c.one("--capabilities") != "CAPABILITY_IAM":
		return a.refuse("InsufficientCapabilitiesException", "CreateChangeSet", "Requires capabilities : [CAPABILITY_IAM]")
	case a.Refused[name] != nil:
		if s == nil {
			a.Stacks[name] = &awsStack{Status: "REVIEW_IN_PROGRESS"}
		}
		_, _ = fmt.Fprint(a.said, "\nFailed to create the changeset: Waiter ChangeSetCreateComplete failed: Waiter "+
			"encountered a terminal failure state: For expression \"Status\" we matched expected path: \"FAILED\" Status: "+
			"FAILED. Reason: The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To "+
			"troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information.\n")
		return 255
	case s == nil || s.Status == "REVIEW_IN_PROGRESS":
		s = &awsStack{Parameters: map[string]string{}, Outputs: map[string]string{}}
		a.Stacks[name] = s
	}
	before := maps.Clone(s.Parameters)
	maps.Copy(s.Parameters, c.pairs("--parameter-overrides"))
	s.Tags, s.Template = c.pairs("--tags"), string(template)
	if why := a.Broken[name]; why != "" {
		s.Status = "ROLLBACK_COMPLETE"
		s.Events = []map[string]string{
			{"LogicalResourceId": name, "ResourceStatus": "ROLLBACK_COMPLETE"},
			{
				"LogicalResourceId": "Thing", "ResourceStatus": "CREATE_FAILED",
				"ResourceStatusReason": "Resource creation cancelled",
			},
			{"LogicalResourceId": "MetricTopicRule", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": why},
			{"LogicalResourceId": name, "ResourceStatus": "CREATE_IN_PROGRESS", "ResourceStatusReason": "User Initiated"},
		}
		_, _ = fmt.Fprintf(a.said, "\nFailed to create/update the stack. Run the following command\nto fetch the list of "+
			"events leading up to the failure\naws cloudformation describe-stack-events --stack-name %s\n", name)
		return 255
	}
	s.Status = "CREATE_COMPLETE"
	for parameter, output := range map[string]string{"Csr": "CertificateId", "Csr2": "CertificateId2"} {
		csr := s.Parameters[parameter]
		if csr == before[parameter] {
			continue
		}
		if old := a.Certs[s.Outputs[output]]; old != nil && old.Status == "ACTIVE" {
			old.Stack = "" // it cannot be deleted: CloudFormation lets it go, without its policy
		} else {
			delete(a.Certs, s.Outputs[output])
		}
		delete(s.Outputs, output)
		if csr == "" {
			continue
		}
		if s.Outputs[output], err = a.sign(csr, name); err != nil {
			_, _ = fmt.Fprintln(a.said, err)
			return 254
		}
	}
	return 0
}

// sign makes a certificate as AWS IoT does; its id is its fingerprint.
func (a *awsAccount) sign(csrPEM, stack string) (id string, err error) {
	block, _ := pem.Decode([]byte(csrPEM))
	if block == nil {
		return "", fmt.Errorf("the CSR is no PEM: %q", csrPEM)
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return "", err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "AWS IoT Certificate"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, csr.PublicKey, key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	id = hex.EncodeToString(sum[:])
	a.Certs[id] = &awsCert{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), "ACTIVE", stack}
	a.Made++
	return id, nil
}

func (a *awsAccount) delete(name string) int {
	s := a.Stacks[name]
	if s == nil {
		return 0 // as AWS does
	}
	if name == "piway-gateway" && a.Detaches > 0 {
		a.Detaches--
		s.Status, s.Looks, s.Then = "DELETE_IN_PROGRESS", 2, "DELETE_FAILED"
		s.Events = []map[string]string{{
			"LogicalResourceId": "Policy", "ResourceStatus": "DELETE_FAILED",
			"ResourceStatusReason": "Cannot delete the policy because it is attached to one or more principals " +
				"(Service: Iot, Status Code: 409, Error Code: DeleteConflictException)",
		}}
		return 0
	}
	for id, cert := range a.Certs {
		if cert.Stack != name {
			continue
		}
		if cert.Status == "ACTIVE" {
			s.Status, s.Looks, s.Then = "DELETE_IN_PROGRESS", 2, "DELETE_FAILED"
			s.Events = []map[string]string{{
				"LogicalResourceId": "Certificate", "ResourceStatus": "DELETE_FAILED",
				"ResourceStatusReason": "Certificate must be deactivated (not ACTIVE) before deletion.",
			}}
			return 0
		}
		delete(a.Certs, id)
	}
	s.Status, s.Looks, s.Then = "DELETE_IN_PROGRESS", 3, ""
	return 0
}

// dashboards are the account's, whatever the region.
func (a *awsAccount) dashboards(c awsCall) int {
	switch c.name {
	case "cloudwatch list-dashboards":
		list := []map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(a.Boards)) {
			list = append(list, map[string]string{"DashboardName": name})
		}
		return a.reply(map[string]any{"DashboardEntries": list})
	case "cloudwatch put-dashboard":
		a.Boards[c.one("--dashboard-name")] = c.one("--dashboard-body")
		return a.reply(map[string]any{"DashboardValidationMessages": []string{}})
	}
	name := c.one("--dashboard-names")
	if _, ok := a.Boards[name]; !ok {
		return a.refuse("DashboardNotFoundError", "DeleteDashboards", "Dashboard "+name+" does not exist")
	}
	delete(a.Boards, name)
	return 0
}
