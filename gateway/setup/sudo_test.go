package setup

import (
	"os"
	"os/user"
	"strings"
	"testing"

	"piway/shared/config"
)

// sudo sets HOME to root's, where no login to AWS is: the fix is the same command under sudo -E.
func TestAWSSetup_underSudo(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Skip("this user has no name:", err)
	}
	if _, err := user.Lookup(me.Username); err != nil {
		t.Skip("this user has no home:", err)
	}
	for _, c := range []struct {
		name, sudoUser, home string
		said                 string
		want                 bool
	}{
		{"no login", me.Username, "/elsewhere", "Unable to locate credentials", true},
		{"no profile", me.Username, "/elsewhere", "The config profile (x) could not be found", true},
		{"no region", me.Username, "/elsewhere", "You must specify a region", true},
		{"under -E", me.Username, me.HomeDir, "Unable to locate credentials", false},
		{"no sudo", "", "/elsewhere", "Unable to locate credentials", false},
		{"nothing of home", me.Username, "/elsewhere", "LimitExceeded", false},
	} {
		b := newBench(t)
		t.Setenv("SUDO_USER", c.sudoUser)
		t.Setenv("HOME", c.home)
		account(t, b.aws, func(a *awsAccount) {
			a.Fail = map[string]awsFailure{"sts get-caller-identity": {253, c.said}}
		})
		err := b.setup("metric").run(t.Context())
		if got := strings.Contains(config.Hint(err), "sudo -E "+os.Args[0]); got != c.want {
			t.Errorf("%s: got %v, want sudo -E: %t", c.name, err, c.want)
		}
	}
	got := underSudo([]string{"bin/piway-gateway", "aws", "setup", "--email", "it's me"}, func(key string) string {
		return map[string]string{"SUDO_USER": me.Username, "HOME": "/elsewhere"}[key]
	})
	if want := `sudo -E bin/piway-gateway aws setup --email 'it'\''s me'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
