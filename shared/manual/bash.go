package manual

import (
	"fmt"
	"strings"
)

const bashScript = `# bash completion for %[1]s
%[2]s() {
    local cur=${COMP_WORDS[COMP_CWORD]} path= flag= prefix= word choices= files= i arg=0
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
            = | :) # bash has cut a word in two here
                if ((i + 1 < COMP_CWORD)); then
                    flag=
                    i=$((i + 1))
                elif [[ $word == : ]]; then
                    return
                fi
                continue
                ;;
        esac
        if [[ -n $flag ]]; then
            flag=
            continue
        fi
        case $path/$word in
%[3]s            */-*) ;;
            *) arg=$((arg + 1)) ;;
        esac
    done
    [[ $cur == = ]] && cur=
    if [[ -z $flag && $cur == --*=* ]]; then # bash cuts no words at = here
        flag=${cur%%%%=*} cur=${cur#*=}
        prefix=$flag=
    fi
    if [[ -n $flag ]]; then
        case $path/$flag in
%[4]s        esac
    elif [[ $cur == -* ]]; then
        case $path in
%[5]s        esac
    else
        case $path/$arg in
%[6]s        esac
    fi
    if [[ -n $files ]]; then
        compopt -o "$files" # readline does it, and knows of blanks, quotes and ~
    else
        mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$choices" -- "$cur")
    fi
}
complete -F %[2]s %[1]s
`

// bash is a script that needs bash 4 and nothing else.
func bash(program Command) []byte {
	var values, flags, args cases
	for _, p := range places(program) {
		var names []string
		for _, f := range p.flags {
			names = append(names, "--"+f.Name)
			for _, name := range f.names() {
				values.add(p.path+"/"+name, bashValue(f.Value))
			}
		}
		flags.add(p.path, "choices="+quote(strings.Join(names, " ")))
		var commands []string
		for _, c := range p.Commands {
			commands = append(commands, c.Name)
		}
		if len(commands) > 0 {
			args.add(p.path+"/0", "choices="+quote(strings.Join(commands, " ")))
		}
		for i, a := range p.Args {
			args.add(p.path+"/"+a.position(i), bashValue(a.Value))
		}
	}
	walk := steps(program, func(path string) string { return "path=" + quote(path) }, "flag=$word")
	return fmt.Appendf(nil, bashScript, program.Name, function(program.Name), walk.lines(), values.lines(),
		flags.lines(), args.lines())
}

// bashValue is what sets the choices of a value, "" if there are none.
func bashValue(v Value) string {
	switch {
	case len(v.Choices) > 0:
		return "choices=" + quote(strings.Join(v.Choices, " "))
	case v.Kind == File:
		return "files=default"
	case v.Kind == Folder:
		return "files=dirnames"
	}
	return ""
}
