package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The stand-in for the aws tool: the test binary under its name. It answers as the tool and AWS do, in words and exit
// codes (AWS CLI user guide, return codes), and keeps the account in a file.

const standInDir = "PIWAY_TEST_AWS_DIR"

// An awsAccount is what the stand-in keeps.
type awsAccount struct {
	Stacks map[string]*awsStack
	Certs  map[string]*awsCert
	Made   int // certificates ever made
	Calls  []string

	// What the test wants.
	Fail   map[string]awsFailure // by "SERVICE OPERATION"
	Broken map[string]string     // stacks that roll back, and why
	HangAt int                   // the call that does its work and then waits for an interrupt; from 1
	Tell   string                // the address to dial when it hangs
}

type awsStack struct {
	Status           string
	Parameters, Tags map[string]string
	Outputs          map[string]string
	Events           []map[string]string
	Looks            int    // until it goes on to Then
	Then             string // "" with Looks 1 is gone
}

type awsCert struct{ PEM, Status, Stack string }

type awsFailure struct {
	Code   int
	Stderr string
}

func accountFile(dir string) string { return filepath.Join(dir, "account.json") }

func readAccount(dir string) (*awsAccount, error) {
	text, err := os.ReadFile(accountFile(dir))
	if err != nil {
		return nil, err
	}
	a := &awsAccount{}
	return a, json.Unmarshal(text, a)
}

func (a *awsAccount) write(dir string) error {
	text, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(accountFile(dir), text, 0o600)
}

// A call is a parsed command line: two words, then options with values.
type awsCall struct {
	name    string
	options map[string][]string
}

func parseCall(args []string) awsCall {
	c := awsCall{strings.Join(args[:min(2, len(args))], " "), map[string][]string{}}
	option := ""
	for _, a := range args[min(2, len(args)):] {
		if strings.HasPrefix(a, "--") {
			option = a
			c.options[a] = nil
			continue
		}
		c.options[option] = append(c.options[option], a)
	}
	return c
}

func (c awsCall) one(option string) string {
	if v := c.options[option]; len(v) == 1 {
		return v[0]
	}
	return ""
}

func (c awsCall) pairs(option string) map[string]string {
	m := map[string]string{}
	for _, p := range c.options[option] {
		k, v, _ := strings.Cut(p, "=")
		m[k] = v
	}
	return m
}

// standIn is the tool. It returns the exit code.
func standIn(args []string) int {
	dir := os.Getenv(standInDir)
	a, err := readAccount(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 255
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	call := parseCall(args)
	a.Calls = append(a.Calls, call.name)
	code := a.answer(call)
	if err := a.write(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 255
	}
	if a.HangAt == len(a.Calls) {
		c, err := net.Dial("tcp", a.Tell)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 255
		}
		<-interrupted
		_ = c.Close() // only its opening was a message
		return 130
	}
	return code
}

func (a *awsAccount) answer(c awsCall) int {
	if f, ok := a.Fail[c.name]; ok {
		fmt.Fprint(os.Stderr, f.Stderr)
		return f.Code
	}
	switch c.name {
	case "sts get-caller-identity":
		return reply(map[string]string{"UserId": "A", "Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/me"})
	case "cloudformation describe-stacks":
		return a.describe(c)
	case "cloudformation deploy":
		return a.deploy(c)
	case "cloudformation delete-stack":
		return a.delete(c.one("--stack-name"))
	case "cloudformation describe-stack-events":
		return reply(map[string]any{"StackEvents": a.Stacks[c.one("--stack-name")].Events})
	case "iot describe-endpoint":
		return reply(map[string]string{"endpointAddress": "abc123-ats.iot.us-east-1.amazonaws.com"})
	}
	cert := a.Certs[c.one("--certificate-id")]
	switch {
	case cert == nil && strings.HasPrefix(c.name, "iot "):
		return refuse("ResourceNotFoundException", "DescribeCertificate", "The certificate given in the certificateId does not exist.")
	case c.name == "iot describe-certificate":
		return reply(map[string]any{"certificateDescription": map[string]string{"certificatePem": cert.PEM, "status": cert.Status}})
	case c.name == "iot update-certificate":
		cert.Status = c.one("--new-status")
		return 0
	}
	fmt.Fprintf(os.Stderr, "aws: error: argument operation: Invalid choice: %s", c.name)
	return 252
}

func reply(v any) int {
	if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
		return 255
	}
	return 0
}

func refuse(code, operation, text string) int {
	fmt.Fprintf(os.Stderr, "\nAn error occurred (%s) when calling the %s operation: %s\n", code, operation, text)
	return 254
}

func (a *awsAccount) describe(c awsCall) int {
	names := slices.Sorted(maps.Keys(a.Stacks))
	if only := c.one("--stack-name"); only != "" {
		names = []string{only}
	}
	list := []map[string]any{}
	for _, name := range names {
		s := a.look(name)
		if s == nil {
			return refuse("ValidationError", "DescribeStacks", "Stack with id "+name+" does not exist")
		}
		outputs := s.Outputs
		if strings.HasSuffix(s.Status, "_IN_PROGRESS") {
			outputs = nil
		}
		list = append(list, map[string]any{
			"StackName": name, "StackStatus": s.Status, "Parameters": keyed(s.Parameters, "Parameter"), "Tags": keyed(s.Tags, ""), "Outputs": keyed(outputs, "Output"),
		})
	}
	return reply(map[string]any{"Stacks": list})
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
		fmt.Fprintf(os.Stderr, "Invalid template path %s\n", c.one("--template-file"))
		return 255
	}
	s := a.Stacks[name]
	switch {
	case s != nil && !slices.Contains([]string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"}, s.Status):
		return refuse("ValidationError", "CreateChangeSet", "Stack:arn:aws:cloudformation:us-east-1:123456789012:stack/"+name+"/1 is in "+s.Status+" state and can not be updated.")
	case strings.Contains(string(template), "AWS::IAM::Role") && c.one("--capabilities") != "CAPABILITY_IAM":
		return refuse("InsufficientCapabilitiesException", "CreateChangeSet", "Requires capabilities : [CAPABILITY_IAM]")
	case s == nil:
		s = &awsStack{Parameters: map[string]string{}, Outputs: map[string]string{}}
		a.Stacks[name] = s
	}
	before := s.Parameters["Csr"]
	maps.Copy(s.Parameters, c.pairs("--parameter-overrides"))
	s.Tags = c.pairs("--tags")
	if why := a.Broken[name]; why != "" {
		s.Status = "ROLLBACK_COMPLETE"
		s.Events = []map[string]string{
			{"LogicalResourceId": name, "ResourceStatus": "ROLLBACK_COMPLETE"},
			{"LogicalResourceId": "Thing", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "Resource creation cancelled"},
			{"LogicalResourceId": "MetricTopicRule", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": why},
			{"LogicalResourceId": name, "ResourceStatus": "CREATE_IN_PROGRESS", "ResourceStatusReason": "User Initiated"},
		}
		fmt.Fprintf(os.Stderr, "\nFailed to create/update the stack. Run the following command\nto fetch the list of events leading up to the failure\naws cloudformation describe-stack-events --stack-name %s\n", name)
		return 255
	}
	s.Status = "CREATE_COMPLETE"
	if csr := s.Parameters["Csr"]; csr != "" && csr != before {
		if s.Outputs["CertificateId"], err = a.sign(csr, name); err != nil {
			fmt.Fprintln(os.Stderr, err)
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
	for id, cert := range a.Certs {
		if cert.Stack != name {
			continue
		}
		if cert.Status == "ACTIVE" {
			s.Status, s.Looks, s.Then = "DELETE_IN_PROGRESS", 2, "DELETE_FAILED"
			s.Events = []map[string]string{{"LogicalResourceId": "Certificate", "ResourceStatus": "DELETE_FAILED", "ResourceStatusReason": "Certificate must be deactivated (not ACTIVE) before deletion."}}
			return 0
		}
		delete(a.Certs, id)
	}
	s.Status, s.Looks, s.Then = "DELETE_IN_PROGRESS", 3, ""
	return 0
}

// awsOnPath puts the stand-in on the PATH, and returns its folder.
func awsOnPath(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\n%s=aws exec '%s' \"$@\"\n", asProgram, self)
	if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv(standInDir, dir)
	if err := (&awsAccount{Stacks: map[string]*awsStack{}, Certs: map[string]*awsCert{}}).write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// account changes what the stand-in keeps, and returns it.
func account(t *testing.T, dir string, change func(*awsAccount)) *awsAccount {
	t.Helper()
	a, err := readAccount(dir)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(a)
		if err := a.write(dir); err != nil {
			t.Fatal(err)
		}
	}
	return a
}
