// Package policy decides what an AWS IoT policy allows. Its one promise: a document that loads allows nothing here that
// it does not allow at AWS. What can never match, is not the message broker's or has no value here is warned of when it
// is loaded; where that would allow more than at AWS, as in a Deny, the document is refused.
//
// The rules are those of the AWS IoT Developer Guide, chapters on policies and on publish and subscribe policy
// examples, which refer to IAM's.
package policy

import (
	"bytes"
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
	warnings   []string
	plain      bool // of the version without variables
}

type statement struct {
	name       string // for messages
	deny       bool
	actions    set
	resources  set
	conditions []condition
}

// A set is what matches one of its patterns; or, for NotAction and NotResource, none.
type set struct {
	patterns []pattern
	not      bool
}

func (s set) has(text string, r *Request) bool {
	return slices.ContainsFunc(s.patterns, func(p pattern) bool { return p.matches(text, r) }) != s.not
}

// Load reads the file of a policy. Errors name it.
func Load(path string) (*Policy, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err // names the path
	}
	return Parse(path, text)
}

// Parse reads a document in the form of `aws iot create-policy --policy-document`, or what `aws iot get-policy` prints
// or `--cli-input-json` takes, which hold it as a string in policyDocument.
func Parse(name string, text []byte) (*Policy, error) {
	p := &Policy{name: name}
	document, _ := strict.Unwrap(text, "policyDocument")
	if err := p.parse(document); err != nil {
		return nil, fmt.Errorf("loading policy %s: %w", name, err)
	}
	return p, nil
}

func (p *Policy) parse(text []byte) error {
	if n := chars(text); n > maxChars {
		return fmt.Errorf("%d characters without white space, IoT Core takes %d", n, maxChars)
	}
	top := strict.Read("policy", text, "Version", "Id", "Statement")
	switch version := top.Text("Version"); version {
	case "", "2008-10-17": // the default; variables came later (IAM, Version)
		if p.plain = true; bytes.Contains(text, []byte("${")) {
			p.warn(top.Errorf("Version", "${…} is plain text before 2012-10-17, try: 2012-10-17"))
		}
	case "2012-10-17":
	default:
		top.Fail("Version", "%q: must be 2012-10-17 or 2008-10-17", version)
	}
	elements := list(top, "Statement")
	if len(elements) == 0 {
		top.Fail("Statement", "must have at least one statement")
	}
	for i, raw := range elements {
		p.statements = append(p.statements, p.readStatement(top, fmt.Sprintf("Statement[%d]", i), raw))
	}
	return top.Err()
}

func (p *Policy) warn(err error) { p.warnings = append(p.warnings, p.name+": "+err.Error()) }

// chars counts the characters that are not white space.
func chars(text []byte) (n int) {
	for _, r := range string(text) {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

func (p *Policy) readStatement(top strict.Object, path string, raw json.RawMessage) statement {
	o := top.ReadAt(path, raw, "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")
	s := statement{name: strings.TrimSpace(path + " " + o.Text("Sid"))}
	switch effect := o.Text("Effect"); effect {
	case "Deny":
		s.deny = true
	case "Allow":
	default:
		o.Fail("Effect", "%q: must be Allow or Deny", effect)
	}
	s.actions, s.resources = p.readSet(o, "Action", s.deny), p.readSet(o, "Resource", s.deny)
	s.conditions = p.readConditions(o, s.deny)
	p.checkResources(o, s.resources, p.checkActions(o, s.actions))
	return s
}

// checkActions warns of what is not the message broker's, and returns the kinds of resources that the others ask for;
// nil where nothing can be said of them.
func (p *Policy) checkActions(o strict.Object, actions set) map[string]bool {
	wanted, foreign := map[string]bool{}, actions.not
	for _, a := range actions.patterns {
		known := actions.not
		for action, kind := range kinds {
			if a.matches(action, nil) {
				known, wanted[kind] = true, true
			}
		}
		switch {
		case !known && !strings.Contains(a.text, ":"):
			o.Fail("Action", "%q: must be SERVICE:ACTION, such as iot:Publish", a.text)
		case !known:
			foreign = true
			p.warn(o.Errorf("Action", "%q: not an action of the message broker, nothing comes of it here; there are "+
				"iot:Connect, iot:Publish, iot:Subscribe, iot:Receive and iot:RetainPublish", a.text))
		}
	}
	if foreign {
		return nil
	}
	return wanted
}

// checkResources warns of what can never match: AWS takes it and denies.
func (p *Policy) checkResources(o strict.Object, resources set, wanted map[string]bool) {
	for _, r := range resources.patterns {
		kind, rest := r.kind()
		switch {
		case resources.not:
		case kind == "topic" && strings.ContainsAny(rest, "+#") && (wanted == nil || wanted[kind]):
			p.warn(o.Errorf("Resource", "%q: matches nothing, + and # are plain characters in a policy and no topic has "+
				"them, try: *", r.text))
		case wanted != nil && !wanted[kind] && !strings.ContainsAny(kind, "*?"):
			p.warn(o.Errorf("Resource", "%q: matches nothing, the actions do not ask for it, try: client/ID for iot:Connect, "+
				"topic/TOPIC for iot:Publish and iot:Receive, topicfilter/FILTER for iot:Subscribe", r.text))
		}
	}
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

// Warnings tell of what matches nothing, or not what it seems to, for clients of that region and account.
func (ps Policies) Warnings(region, account string) (all []string) {
	for _, p := range ps {
		all = append(all, p.warnings...)
		for _, s := range p.statements {
			for _, r := range s.resources.patterns {
				fields := strings.SplitN(r.text, ":", 6)
				if len(fields) < 6 || fields[2] != "iot" {
					continue
				}
				owner := pattern{parts: []part{{text: strings.Join(fields[:5], ":")}}}
				if here := arn(region, account); !owner.matches(here, nil) {
					all = append(all, fmt.Sprintf("%s: %s.Resource: %q: matches nothing of %s, try: --region and --account",
						p.name, s.name, r.text, here))
				}
			}
		}
	}
	return all
}

// arn is what the resources of a region and account begin with.
func arn(region, account string) string {
	partition := "aws"
	for prefix, other := range map[string]string{"cn-": "aws-cn", "us-gov-": "aws-us-gov"} {
		if strings.HasPrefix(region, prefix) {
			partition = other
		}
	}
	return "arn:" + partition + ":iot:" + region + ":" + account
}

// Decide returns nil if some statement allows the request and none denies it; else the error says why it is denied.
func (ps Policies) Decide(r Request) error {
	allowed := false
	resource := arn(r.Region, r.Account) + ":" + r.Resource
	for _, p := range ps {
		for i := range p.statements {
			s := &p.statements[i]
			if !s.matches(&r, resource) {
				continue
			}
			if s.deny {
				return fmt.Errorf("%s, %s denies it", p.name, s.name)
			}
			allowed = true
		}
	}
	if !allowed {
		return errors.New("no statement allows " + r.Action + " on " + resource)
	}
	return nil
}

func (s *statement) matches(r *Request, resource string) bool {
	return s.actions.has(r.Action, r) && s.resources.has(resource, r) &&
		!slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(r) })
}
