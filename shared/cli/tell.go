package cli

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"piway/shared/config"
)

// A Told error is one that another process has told; Status passes its exit status on.
type Told int

func (t Told) Error() string { return "exit status " + strconv.Itoa(int(t)) }

// A given error knows the configuration that the command line named.
type given struct {
	error
	config string
}

func (g given) Unwrap() error { return g.error }

// usualConfig is the configuration that a command takes without being told.
func usualConfig(command *kong.Context) string {
	for _, f := range command.Flags() {
		if f.Name == "config" {
			return f.Default
		}
	}
	return ""
}

// withConfig marks an error with the configuration that the arguments name, if it is not the usual one.
func withConfig(err error, args []string, usual string) error {
	if err == nil {
		return nil
	}
	for i, a := range args {
		v, ok := strings.CutPrefix(a, "--config=")
		if a == "--config" && i+1 < len(args) {
			v, ok = args[i+1], true
		}
		if ok && v != usual {
			return given{err, v}
		}
	}
	return err
}

// try is what stands between an error and its hint.
const try = ", try: "

// tell is what a person is told of an error: what is wrong, and each hint on a line of its own below it. A hint that
// names a command of this program is one that can be given as it stands: as root where this one was, and with the same
// configuration. With sudo this process is root by sudo.
func (p Program) tell(err error, sudo bool) string {
	text, hint := err.Error(), config.Hint(err)
	if strings.Contains(hint, "\n") {
		return strings.Replace(text, try+hint, "", 1) + "\ntry: " + hint
	}
	of, _ := errors.AsType[given](err)
	var told []string
	for line := range strings.SplitSeq(text, "\n") {
		var hints []string
		if hint != "" && strings.Contains(line, try+hint) {
			line = strings.Replace(line, try+hint, "", 1)
			hints = append(hints, hint)
		}
		parts := strings.Split(line, try)
		told = append(told, parts[0])
		for _, h := range append(hints, parts[1:]...) {
			told = append(told, "try: "+p.asGiven(h, of.config, sudo))
		}
	}
	return strings.Join(told, "\n")
}

// bySudo is whether this process is root by sudo.
func bySudo() bool { return os.Geteuid() == 0 && os.Getenv("SUDO_UID") != "" }

// asGiven is a hint with its commands of this program as the person would have to give them.
func (p Program) asGiven(hint, file string, sudo bool) string {
	names := p.commandNames()
	if len(names) == 0 {
		return hint
	}
	own := regexp.MustCompile(`(?:sudo (?:-E )?)?\b` + regexp.QuoteMeta(p.Name) + ` (?:` + strings.Join(names, "|") + `)\b`)
	if !own.MatchString(hint) {
		return hint
	}
	if sudo {
		hint = own.ReplaceAllStringFunc(hint, func(command string) string {
			switch {
			case strings.HasPrefix(command, "sudo "):
				return command
			case strings.HasPrefix(command, p.Name+" aws"): // whose login is the person's
				return "sudo -E " + command
			}
			return "sudo " + command
		})
	}
	if file != "" && !strings.Contains(hint, "--config") {
		hint += " (with --config " + file + ")"
	}
	return hint
}

// commandNames are the first words of the program's commands.
func (p Program) commandNames() (names []string) {
	parser, err := p.parser()
	if err != nil {
		return nil
	}
	for _, c := range parser.Model.Children {
		names = append(names, regexp.QuoteMeta(c.Name))
	}
	return names
}
