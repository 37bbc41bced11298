package main

import (
	"testing"

	"piway/shared/cli/spoken"
)

// Wherever a program tells somebody to give one of the agent's commands, that is one, with the flags that it has.
func TestProgram_hints(t *testing.T) {
	n := 0
	for _, dir := range []string{"../gateway", "../agent", "../shared", "../localcore"} {
		all, err := spoken.In(dir, program().Name+" ")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			n++
			if err := program().Mentions(s.Text); err != nil {
				t.Errorf("%s: %v", s.At, err)
			}
		}
	}
	if n < 10 {
		t.Errorf("found %d sentences, want more", n)
	}
}
