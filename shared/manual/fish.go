package manual

import (
	"bytes"
	"fmt"
	"strings"
)

const fishScript = `# fish completion for %[1]s

# Prints the command that the words before the cursor name, and how many arguments it has got.
function _%[2]s_at
    set -l path ''
    set -l flag ''
    set -l arg 0
    for word in (commandline -opc)[2..-1]
        if test -n "$flag"
            set flag ''
            continue
        end
        switch "$path/$word"
%[3]s            case '*/-*'
            case '*'
                set arg (math $arg + 1)
        end
    end
    echo "$path/$arg"
end

complete -c %[1]s -f
`

// fish is a script for fish 3.
func fish(program Command) []byte {
	walk := steps(program, func(path string) string { return "set path " + fishQuote(path) }, "set flag $word")
	var b bytes.Buffer
	_, _ = fmt.Fprintf(&b, fishScript, program.Name, function(program.Name), walk.fishLines()) // to memory
	for _, p := range places(program) {
		fishCommand(&b, program.Name, p)
	}
	return b.Bytes()
}

// fishCommand writes what may stand behind a command.
func fishCommand(b *bytes.Buffer, program string, p place) {
	at := "(_" + function(program) + "_at)"
	say := func(position, but, completion string) {
		is := fmt.Sprintf("string match -q -- %s %s%s", fishQuote(p.path+"/"+position), at, but)
		_, _ = fmt.Fprintf(b, "complete -c %s -n %s%s\n", program, fishQuote(is), completion)
	}
	for _, c := range p.Commands {
		say("0", "", " -a "+c.Name+" -d "+fishQuote(line(c.Help)))
	}
	for _, f := range p.flags {
		completion := " -l " + f.Name
		if f.Short != 0 {
			completion += " -s " + string(f.Short)
		}
		if f.Placeholder != "" {
			completion += fishValue(f.Value)
		}
		say("*", "", completion+" -d "+fishQuote(line(f.Help)))
	}
	before := ""
	for i, a := range p.Args {
		but := ""
		if a.Many && i > 0 {
			but = "; and not contains -- " + at + before
		}
		before += " " + fishQuote(p.path+"/"+a.position(i))
		if a.Kind != NoFile || len(a.Choices) > 0 {
			say(a.position(i), but, strings.TrimPrefix(fishValue(a.Value), " -x"))
		}
	}
}

// fishLines are those of fish.
func (c *cases) fishLines() string {
	var b strings.Builder
	for _, action := range c.actions {
		_, _ = fmt.Fprintf(&b, "            case %s\n                %s\n", strings.Join(c.texts[action], " "), action)
	}
	return b.String()
}

// fishValue is what completes the value of a flag.
func fishValue(v Value) string {
	switch {
	case len(v.Choices) > 0:
		return " -x -a " + fishQuote(strings.Join(v.Choices, " "))
	case v.Kind == File:
		return " -r -F"
	case v.Kind == Folder:
		return " -x -a '(__fish_complete_directories (commandline -ct))'"
	}
	return " -x"
}

// fishQuote is a text for fish, within whose quotes a backslash escapes.
func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}
