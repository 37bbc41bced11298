package manual

import (
	"fmt"
	"strings"
)

// steps say what a word of the command line does to who reads it, by "PATH/WORD": it leads to a command, or is a flag
// whose value comes next.
func steps(program Command, to func(path string) string, flag string) (walk cases) {
	for _, p := range places(program) {
		for _, c := range p.Commands {
			for _, name := range append([]string{c.Name}, c.Aliases...) {
				walk.add(p.path+"/"+name, to(join(p.path, c.Name)))
			}
		}
		for _, f := range p.flags {
			if f.Placeholder == "" {
				continue
			}
			for _, name := range f.names() {
				walk.add(p.path+"/"+name, flag)
			}
		}
	}
	return walk
}

// cases are lines of a case of the shell: texts with the same action stand together, patterns behind all of them.
type cases struct {
	actions  []string
	texts    map[string][]string
	patterns [][2]string // with their actions
}

// add adds a text, which is a pattern if it ends in *, unless there is nothing to do.
func (c *cases) add(text, action string) {
	if action == "" {
		return
	}
	if base, pattern := strings.CutSuffix(text, "*"); pattern {
		c.patterns = append(c.patterns, [2]string{quote(base) + "*", action})
		return
	}
	if c.texts == nil {
		c.texts = map[string][]string{}
	}
	if c.texts[action] == nil {
		c.actions = append(c.actions, action)
	}
	c.texts[action] = append(c.texts[action], quote(text))
}

// lines are those of a POSIX shell.
func (c *cases) lines() string {
	var b strings.Builder
	for _, action := range c.actions {
		_, _ = fmt.Fprintf(&b, "            %s) %s ;;\n", strings.Join(c.texts[action], " | "), action)
	}
	for _, p := range c.patterns {
		_, _ = fmt.Fprintf(&b, "            %s) %s ;;\n", p[0], p[1])
	}
	return b.String()
}
