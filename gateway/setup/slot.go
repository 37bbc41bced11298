package setup

import (
	"piway/gateway/aws"
	"piway/gateway/cloud"
	"piway/shared/pki"
)

// A slot is one of the two places for a certificate in a gateway's stack: the parameter that its request is, and the
// output that names what was made of it. One is in use; a renewal takes the other.
type slot struct{ parameter, output string }

var slots = []slot{{"Csr", "CertificateId"}, {"Csr2", "CertificateId2"}}

// other is the other one.
func (s slot) other() slot {
	if s == slots[0] {
		return slots[1]
	}
	return slots[0]
}

// slotOf returns the place whose certificate is of the request's key, and that certificate's request: of one key there
// may be several, and another would make another certificate.
func slotOf(stack *aws.Stack, r *pki.Request) (s slot, csr string, ok bool) {
	for _, s := range slots {
		if csr := stack.Parameters[s.parameter]; r.Fits([]byte(csr)) {
			return s, csr, true
		}
	}
	return slots[0], "", false
}

// certificateIDs are those of a stack.
func certificateIDs(stack *aws.Stack) (ids []string) {
	for _, s := range slots {
		if id := stack.Outputs[s.output]; id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func certificateStatus(id, status string) cloud.Command {
	return cloud.NewCommand("iot", "update-certificate", "--certificate-id", id, "--new-status", status)
}
