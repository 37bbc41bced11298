package cloud_test

import (
	"os/exec"
	"strings"
	"testing"

	"piway/gateway/cloud"
)

// What is shown is what is run, by a shell's own account.
func TestCommand_String(t *testing.T) {
	args := []string{"a", "", "it's", "$(id) `id`", "a b", "\\", "Name=x,Value=Cloudwatch Metric", "*", "~", "é", "a\nb"}
	c := cloud.NewCommand(args...)
	out, err := exec.Command("sh", "-c", `aws() { for a; do printf '%s\0' "$a"; done; }; `+c.String()).Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(args, "\x00") + "\x00"; string(out) != want {
		t.Errorf("got %q of %s, want %q", out, c, want)
	}
	shown := c.Shown("a secret", `"$(cat FILE)"`)
	if strings.Contains(shown.String(), "secret") || shown.Args()[len(args)] != "a secret" {
		t.Errorf("got %s and %q, want the one shown and the other run", shown, shown.Args())
	}
	if len(c.Args()) != len(args) {
		t.Errorf("got %q, want With to leave the command as it was", c.Args())
	}
}
