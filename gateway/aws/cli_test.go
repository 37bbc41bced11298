package aws_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"piway/gateway/aws"
)

func TestSaid(t *testing.T) {
	err := fmt.Errorf("step: %w", &aws.CommandError{
		Command: "aws x", Code: 254,
		Stderr: "\nAn error occurred (A) when: b\n",
	})
	if !aws.Said(err, "(A)") || aws.Said(err, "(B)") || aws.Said(errors.New("(A)"), "(A)") || aws.Said(nil, "") {
		t.Error("got another answer than what the command wrote")
	}
	long := &aws.CommandError{Command: "aws x", Code: 1, Stderr: strings.Repeat("x", 5000)}
	if len(long.Error()) > 700 {
		t.Errorf("got %d bytes of error, want it cut", len(long.Error()))
	}
}
