package cli

import (
	"errors"
	"fmt"
	"testing"

	"piway/shared/config"
)

// What is told after a mistake can be given as it stands.
func TestProgram_Status_hints(t *testing.T) {
	p := Program{Name: "talk", Commands: &struct {
		Say  struct{} `cmd:""`
		Hear struct{} `cmd:""`
		AWS  struct{} `cmd:"" name:"aws"`
	}{}}
	for _, c := range []struct {
		name string
		err  error
		sudo bool
		want string
	}{
		{"none", errors.New("no"), true, "no"},
		{"a hint", config.Try(errors.New("no"), "again"), true, "no\ntry: again"},
		{"in the middle", fmt.Errorf("a (%w)", config.Try(errors.New("no"), "again")), false, "a (no)\ntry: again"},
		{"one of a text", errors.New("no, try: again"), false, "no\ntry: again"},
		{
			"several", errors.Join(config.Try(errors.New("a"), "b"), errors.New("c"), config.Try(errors.New("d"), "e")), false,
			"a\ntry: b\nc\nd\ntry: e",
		},
		{
			"a command", withConfig(errors.New("no, try: talk say"), []string{"hear", "--config", "x.yaml"}, ""), false,
			"no\ntry: talk say (with --config x.yaml)",
		},
		{
			"the usual one", withConfig(errors.New("no, try: talk say"), []string{"hear", "--config", "/x.yaml"}, "/x.yaml"), false,
			"no\ntry: talk say",
		},
		{
			"names one", withConfig(errors.New("no, try: talk say --config y"), []string{"--config=x.yaml"}, ""), false,
			"no\ntry: talk say --config y",
		},
		{"no command", withConfig(errors.New("no, try: talks"), []string{"--config=x.yaml"}, ""), false, "no\ntry: talks"},
		{"by sudo", errors.New("no, try: talk say; or sudo talk hear"), true, "no\ntry: sudo talk say; or sudo talk hear"},
		{"no command of it", errors.New("no, try: journal -u talk says"), true, "no\ntry: journal -u talk says"},
		{"with a login", errors.New("no, try: talk aws setup"), true, "no\ntry: sudo -E talk aws setup"},
	} {
		if got := p.tell(c.err, c.sudo); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestUsualConfig(t *testing.T) {
	p := Program{Name: "talk", Commands: &struct {
		Say struct {
			Config string `default:"/x.yaml"`
		} `cmd:""`
		Hear struct{} `cmd:""`
	}{}}
	for command, want := range map[string]string{"say": "/x.yaml", "hear": ""} {
		parser, err := p.parser()
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.Parse([]string{command})
		if err != nil {
			t.Fatal(err)
		}
		if got := usualConfig(parsed); got != want {
			t.Errorf("%s: got %q, want %q", command, got, want)
		}
	}
}
