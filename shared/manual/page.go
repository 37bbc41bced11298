package manual

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// page is the manual page, in the man macros of roff, all of it ASCII.
func page(program Command) []byte {
	var r roff
	about, rest, _ := strings.Cut(program.Help, "\n\n")
	// No date: the same command line is to give the same page.
	r.line(`.TH %s 1 "" Piway "User Commands"`, word(strings.ToUpper(program.Name)))
	r.line(".nh\n.ad l") // names of files and flags stay whole
	r.line(".SH NAME")
	r.line(`%s \- %s`, text(program.Name), text(lower(strings.TrimSuffix(line(about), "."))))
	all := places(program)
	r.line(".SH SYNOPSIS")
	r.line(".nf") // one a line, however many flags
	for _, p := range all {
		if len(p.Commands) == 0 {
			r.line("%s", synopsis(program.Name, p))
		}
	}
	r.line(".fi")
	if more := strings.TrimSpace(rest + "\n\n" + program.Detail); more != "" {
		r.line(".SH DESCRIPTION")
		r.paragraphs(more)
	}
	if len(program.Commands) > 0 {
		r.line(".SH FLAGS")
		r.line("Of every command:")
	} else {
		r.line(".SH ARGUMENTS AND FLAGS")
	}
	r.values(program)
	if len(program.Commands) > 0 {
		r.line(".SH COMMANDS")
	}
	for _, p := range all[1:] {
		r.command(program.Name, p)
	}
	r.line(".SH EXIT STATUS")
	r.line("0 when the command has done what it says. Else the reason, and what to try, is on the standard error.")
	return r.Bytes()
}

// roff is a page that is being written.
type roff struct{ bytes.Buffer }

// line writes a line. What is not the page's own has to be escaped.
func (r *roff) line(format string, args ...any) { _, _ = fmt.Fprintf(r, format+"\n", args...) } // to memory

func (r *roff) command(program string, p place) {
	r.line(".SS %s", word(program+" "+p.path))
	if len(p.Commands) == 0 {
		r.line("%s", synopsis(program, p))
		r.line(".PP")
	}
	r.line("%s", text(line(p.Help)))
	if len(p.Aliases) > 0 {
		r.line(".PP")
		r.line("Also %s.", text(strings.Join(p.Aliases, ", ")))
	}
	if p.Detail != "" {
		r.line(".PP")
		r.paragraphs(p.Detail)
	}
	r.values(p.Command)
}

// values explains arguments and flags.
func (r *roff) values(c Command) {
	for _, a := range c.Args {
		r.line(".TP")
		r.line(`\fI%s\fR`, text(a.Name))
		r.line("%s", text(explained(a.Value)))
	}
	for _, f := range c.Flags {
		r.line(".TP")
		r.line("%s", flag(f))
		r.line("%s", text(explained(f.Value)))
	}
}

// explained is the help of a value, with the choices that it does not name.
func explained(v Value) string {
	help := line(v.Help)
	for _, c := range v.Choices {
		if !strings.Contains(help, c) {
			return strings.TrimSpace(help + " One of " + strings.Join(v.Choices, ", ") + ".")
		}
	}
	return help
}

// paragraphs writes a longer help: lines that begin with a blank as they are, the others filled.
func (r *roff) paragraphs(detail string) {
	var filled []string
	verbatim, gap := false, false
	fill := func() {
		if len(filled) > 0 {
			r.line("%s", text(strings.Join(filled, " ")))
		}
		filled = nil
	}
	for l := range strings.Lines(strings.Trim(detail, "\n")) {
		bare := strings.TrimSpace(l)
		if bare == "" {
			gap = true
			continue
		}
		indented := l[0] == ' '
		if indented != verbatim || gap {
			fill()
			r.turn(verbatim, indented)
		}
		verbatim, gap = indented, false
		if indented {
			r.line("%s", text(strings.TrimRight(strings.TrimPrefix(l, "  "), " \n")))
		} else {
			filled = append(filled, bare)
		}
	}
	fill()
	r.turn(verbatim, false)
}

// turn begins a paragraph; verbatim ones are indented.
func (r *roff) turn(was, verbatim bool) {
	switch {
	case was && !verbatim:
		r.line(".fi\n.RE")
	case !was && verbatim:
		r.line(".PP\n.RS 4\n.nf")
		return
	case was:
		r.line("") // a line left free
		return
	}
	r.line(".PP")
}

// synopsis is what a command takes, in short.
func synopsis(program string, p place) string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, `\fB%s\fR`, text(join(program, p.path)))
	for _, a := range p.Args {
		name := `\fI` + text(a.Name) + `\fR`
		if a.Many {
			name += " ..."
		}
		if a.Optional {
			name = "[" + name + "]"
		}
		b.WriteString(" " + name)
	}
	if len(p.Flags) > 0 {
		b.WriteString(" [flags]")
	}
	return b.String()
}

// flag is how a flag is written.
func flag(f Flag) string {
	out := `\fB` + text("--"+f.Name) + `\fR`
	if f.Short != 0 {
		out = `\fB` + text("-"+string(f.Short)) + `\fR, ` + out
	}
	if f.Placeholder != "" {
		out += `=\fI` + text(f.Placeholder) + `\fR`
	}
	return out
}

// lower is a sentence without the capital at its beginning, unless it begins with an abbreviation.
func lower(s string) string {
	if len(s) > 1 && (s[1] == ' ' || s[1] >= 'a') {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// word is an argument of a macro.
func word(s string) string { return `"` + text(s) + `"` }

// text is a text as roff prints it, character by character. It is no request, whatever it begins with.
func text(s string) string {
	// What roff takes for commands of its own, or prints as something else. No variable of the package: those would be
	// in the programs.
	escapes := strings.NewReplacer(
		`\`, `\e`, `-`, `\-`, `'`, `\(aq`, "`", `\(ga`, `^`, `\(ha`, `~`, `\(ti`, `"`, `\(dq`,
	)
	var b strings.Builder
	if strings.HasPrefix(s, ".") {
		b.WriteString(`\&`)
	}
	for _, c := range escapes.Replace(s) {
		if c < utf8.RuneSelf {
			b.WriteRune(c)
		} else {
			_, _ = fmt.Fprintf(&b, `\[u%04X]`, c)
		}
	}
	return b.String()
}
