// Package policy decides what an AWS IoT policy allows. Its one promise: a document that loads decides here as it does
// at AWS, and one that asks for what is not built, or that can never match, is refused when it is loaded.
//
// The rules are those of the AWS IoT Developer Guide, chapters on policies and on publish and subscribe policy
// examples.
package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"

	"piway/localcore/strict"
)

// Bounds of IoT Core ("AWS IoT Core endpoints and quotas", security quotas).
const (
	maxChars    = 2048 // characters of a document, white space not counted
	maxPolicies = 10   // of a certificate
)

// The actions of the message broker.
const (
	Connect       = "iot:Connect"
	Publish       = "iot:Publish"
	Subscribe     = "iot:Subscribe"
	Receive       = "iot:Receive"
	RetainPublish = "iot:RetainPublish"
)

// kinds are the resources that each action asks for.
var kinds = map[string]string{
	Connect: "client", Publish: "topic", Subscribe: "topicfilter", Receive: "topic", RetainPublish: "topic",
}

// A Request is what a client asks for.
type Request struct {
	Action string
	// Resource is client/ID, topic/TOPIC or topicfilter/FILTER.
	Resource        string
	Region, Account string
	ClientID        string
	// Thing is what the certificate is attached to, "" for nothing. Its name is known to a policy if it is the client
	// id, or if the certificate is attached to it alone.
	Thing               string
	Exclusive, Attached bool
	// ConnectAttributes of the connection: PersistentConnect, LastWill.
	ConnectAttributes []string
}

// A Policy is one document. It does not change.
type Policy struct {
	name       string
	statements []statement
}

type statement struct {
	name       string // for messages
	deny       bool
	actions    []pattern
	resources  []pattern
	conditions []condition
}

// Load reads the file of a policy. Errors name it.
func Load(path string) (*Policy, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err // names the path
	}
	return Parse(path, text)
}

// Parse reads a document in the form of `aws iot create-policy --policy-document`.
func Parse(name string, text []byte) (*Policy, error) {
	p := &Policy{name: name}
	if err := p.parse(text); err != nil {
		return nil, fmt.Errorf("loading policy %s: %w", name, err)
	}
	return p, nil
}

func (p *Policy) parse(text []byte) error {
	if n := chars(text); n > maxChars {
		return fmt.Errorf("%d characters without white space, IoT Core takes %d", n, maxChars)
	}
	top, err := strict.Read("policy", text, "Version", "Id", "Statement")
	if err != nil {
		return err
	}
	version, err := top.Text("Version")
	if err != nil {
		return err
	}
	if version != "2012-10-17" {
		return top.Errorf("Version", "%q: must be 2012-10-17", version)
	}
	elements, err := list(top, "Statement")
	if err != nil {
		return err
	}
	if len(elements) == 0 {
		return top.Errorf("Statement", "must have at least one statement")
	}
	for i, raw := range elements {
		s, err := readStatement(top, fmt.Sprintf("Statement[%d]", i), raw)
		if err != nil {
			return err
		}
		p.statements = append(p.statements, s)
	}
	return nil
}

// chars counts the characters that are not white space.
func chars(text []byte) (n int) {
	for _, r := range string(text) {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

func readStatement(top strict.Object, path string, raw json.RawMessage) (statement, error) {
	s := statement{name: path}
	o, err := top.ReadAt(path, raw, "Sid", "Effect", "Action", "Resource", "Condition")
	if err != nil {
		return s, err
	}
	if sid, err := o.Text("Sid"); err != nil {
		return s, err
	} else if sid != "" {
		s.name += " " + sid
	}
	switch effect, err := o.Text("Effect"); {
	case err != nil:
		return s, err
	case effect == "Deny":
		s.deny = true
	case effect != "Allow":
		return s, o.Errorf("Effect", "%q: must be Allow or Deny", effect)
	}
	if s.actions, err = somePatterns(o, "Action"); err != nil {
		return s, err
	}
	if s.resources, err = somePatterns(o, "Resource"); err != nil {
		return s, err
	}
	if s.conditions, err = readConditions(o); err != nil {
		return s, err
	}
	return s, s.check(o)
}

// check refuses what can never match: AWS would take it and deny.
func (s *statement) check(o strict.Object) error {
	used := make([]bool, len(s.resources))
	for _, a := range s.actions {
		known := false
		for action, kind := range kinds {
			if !a.matches(action, nil) {
				continue
			}
			known = true
			for i, r := range s.resources {
				used[i] = used[i] || r.couldBe(kind)
			}
		}
		if !known {
			return o.Errorf("Action", "%q: matches no action of the message broker, try: iot:Connect, iot:Publish, "+
				"iot:Subscribe, iot:Receive or iot:RetainPublish", a.text)
		}
	}
	for i, r := range s.resources {
		if !used[i] {
			return o.Errorf("Resource", "%q: no action here asks for such a resource, try: client/ID for iot:Connect, "+
				"topic/TOPIC for iot:Publish and iot:Receive, topicfilter/FILTER for iot:Subscribe", r.text)
		}
	}
	return nil
}

// Policies are all those of a certificate.
type Policies []*Policy

// Check returns an error for more policies than a certificate can have.
func (ps Policies) Check() error {
	if len(ps) > maxPolicies {
		return fmt.Errorf("%d policies, IoT Core takes %d of a certificate", len(ps), maxPolicies)
	}
	return nil
}

// Decide returns nil if some statement allows the request and none denies it; else the error says why it is denied.
func (ps Policies) Decide(r Request) error {
	allowed := false
	arn := "arn:aws:iot:" + r.Region + ":" + r.Account + ":" + r.Resource
	for _, p := range ps {
		for i := range p.statements {
			s := &p.statements[i]
			if !s.matches(&r, arn) {
				continue
			}
			if s.deny {
				return fmt.Errorf("%s, %s denies it", p.name, s.name)
			}
			allowed = true
		}
	}
	if !allowed {
		return errors.New("no statement allows " + r.Action + " on " + arn)
	}
	return nil
}

func (s *statement) matches(r *Request, arn string) bool {
	is := func(text string) func(pattern) bool {
		return func(p pattern) bool { return p.matches(text, r) }
	}
	return slices.ContainsFunc(s.actions, is(r.Action)) && slices.ContainsFunc(s.resources, is(arn)) &&
		!slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(r) })
}

// couldBe reports whether a resource pattern can match one of a kind.
func (p pattern) couldBe(kind string) bool {
	fields := strings.SplitN(p.text, ":", 6)
	if len(fields) < 6 {
		return strings.ContainsAny(p.text, "*?")
	}
	have, _, _ := strings.Cut(fields[5], "/")
	return have == kind || strings.ContainsAny(have, "*?")
}
