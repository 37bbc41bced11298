package manual

import (
	"fmt"
	"strings"
)

// zsh is a file for a folder of fpath; it may be sourced too, behind compinit.
func zsh(program Command) []byte {
	var b strings.Builder
	name := "_" + program.Name
	_, _ = fmt.Fprintf(&b, "#compdef %s\n", program.Name)
	for _, p := range places(program) {
		_, _ = fmt.Fprintf(&b, "\n%s() {\n", zshFunction(name, p.path))
		if len(p.Commands) > 0 {
			zshCommands(&b, name, p)
		} else {
			_, _ = fmt.Fprintf(&b, "  _arguments -s -S%s\n}\n", zshSpecs(p))
		}
	}
	_, _ = fmt.Fprintf(&b, `
if [ "$funcstack[1]" = %[1]s ]; then
  %[1]s "$@"
else
  compdef %[1]s %[2]s
fi
`, name, program.Name)
	return []byte(b.String())
}

func zshFunction(name, path string) string {
	return strings.TrimSuffix(name+"__"+strings.ReplaceAll(path, " ", "__"), "__")
}

// zshCommands writes the function of what has commands of its own.
func zshCommands(b *strings.Builder, name string, p place) {
	_, _ = fmt.Fprintf(b, "  local curcontext=\"$curcontext\" state line\n  local -A opt_args\n")
	_, _ = fmt.Fprintf(b, "  _arguments -C -s -S%s \\\n    '1: :->command' \\\n    '*:: :->arguments'\n", zshSpecs(p))
	_, _ = fmt.Fprintf(b, "  case $state in\n    command)\n      local -a commands=(\n")
	for _, c := range p.Commands {
		_, _ = fmt.Fprintf(b, "        %s\n", quote(c.Name+":"+strings.ReplaceAll(line(c.Help), ":", `\:`)))
	}
	_, _ = fmt.Fprintf(b, "      )\n      _describe -t commands command commands\n      ;;\n")
	_, _ = fmt.Fprintf(b, "    arguments)\n      case $line[1] in\n")
	for _, c := range p.Commands {
		_, _ = fmt.Fprintf(b, "        %s) %s ;;\n", strings.Join(append([]string{c.Name}, c.Aliases...), " | "),
			zshFunction(name, join(p.path, c.Name)))
	}
	_, _ = fmt.Fprintf(b, "      esac\n      ;;\n  esac\n}\n")
}

// zshSpecs are the flags and arguments of a command, as _arguments takes them.
func zshSpecs(p place) string {
	var b strings.Builder
	spec := func(s string) { b.WriteString(" \\\n    " + s) }
	for _, f := range p.flags {
		long, short, before := "--"+f.Name, "", ""
		if f.Short != 0 {
			short = "-" + string(f.Short)
			before = "(" + short + " " + long + ")"
		}
		if f.Many {
			before = "*"
		}
		about := "[" + zshText(line(f.Help)) + "]"
		if f.Placeholder != "" {
			about += zshValue(f.Value)
			long += "="
			short += "+"
		}
		spec(quote(before + long + about))
		if f.Short != 0 {
			spec(quote(before + short + about))
		}
	}
	for _, a := range p.Args {
		sign := ""
		switch {
		case a.Many:
			sign = "*"
		case a.Optional:
			sign = ":"
		}
		spec(quote(sign + zshValue(a.Value)))
	}
	return b.String()
}

// zshValue is what is said of a value behind a flag, or in its place.
func zshValue(v Value) string {
	out := ":" + zshText(v.Name) + ":"
	switch {
	case len(v.Choices) > 0:
		return out + "(" + strings.Join(v.Choices, " ") + ")"
	case v.Kind == File:
		return out + "_files"
	case v.Kind == Folder:
		return out + "_files -/"
	}
	return out + " "
}

// zshText is a text within a specification of _arguments.
func zshText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `:`, `\:`).Replace(s)
}
