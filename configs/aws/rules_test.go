package aws_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"slices"
	"testing"
	"time"

	files "piway/configs/aws"
	"piway/localcore/policy"
	"piway/localcore/rules"
)

// The stand-in takes what AWS is to take, every rule and the policy.
func TestRulesAndPolicy_load(t *testing.T) {
	for name, text := range map[string][]byte{
		files.MetricRuleName: files.MetricRule, files.EMFRuleName: files.EMFRule, files.ErrorsRuleName: files.ErrorsRule,
	} {
		if _, err := rules.Parse(name, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := policy.Parse("policy.json", files.Policy); err != nil {
		t.Error(err)
	}
}

// The roots are Amazon's, all four, self-signed, and not about to end.
func TestRoots(t *testing.T) {
	roots := files.Roots()
	names := slices.Sorted(maps.Keys(roots))
	if want := []string{
		"AmazonRootCA1.pem", "AmazonRootCA2.pem", "AmazonRootCA3.pem",
		"AmazonRootCA4.pem",
	}; !slices.Equal(names, want) {
		t.Fatalf("got %v, want %v", names, want)
	}
	for name, text := range roots {
		block, rest := pem.Decode(text)
		if block == nil || len(bytes.TrimSpace(rest)) != 0 {
			t.Fatalf("%s: got no single PEM block", name)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.CheckSignatureFrom(c); err != nil {
			t.Errorf("%s: signed by another: %v", name, err)
		}
		if want := "Amazon Root CA " + name[len("AmazonRootCA"):][:1]; c.Subject.CommonName != want ||
			c.Subject.String() != c.Issuer.String() {
			t.Errorf("%s: got %s by %s, want %s by itself", name, c.Subject, c.Issuer, want)
		}
		if !c.IsCA || time.Until(c.NotAfter) < 365*24*time.Hour {
			t.Errorf("%s: got an end on %s, want a root that lasts a year more", name, c.NotAfter)
		}
	}
}
