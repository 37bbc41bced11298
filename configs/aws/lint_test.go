package aws_test

import (
	"os/exec"
	"testing"
)

// The templates are what `aws setup` deploys and `aws print` writes. cfn-lint holds them to AWS's own schemas, in a
// region of each partition.
func TestTemplates_cfnLint(t *testing.T) {
	t.Parallel()
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not on PATH (pip install cfn-lint)")
	}
	out, err := exec.CommandContext(t.Context(), lint, "--regions", "us-east-1", "cn-north-1", "us-gov-west-1", "--",
		"account.yaml", "gateway.yaml").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
