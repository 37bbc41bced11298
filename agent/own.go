package main

import (
	"strconv"
	"strings"

	"piway/agent/own"
)

type putCmd struct {
	Name   string `arg:"" help:"Name of the metric. The device's name is added in the cloud."`
	Unit   string `arg:"" help:"One of CloudWatch's units, such as Count or Percent; None for what has none."`
	Value  string `arg:"" help:"The number."`
	TTL    string `placeholder:"TIME" help:"How long it is reported: seconds, or as in 5m or 1d (default: ${ttl})."`
	Folder string `default:"${folder}" placeholder:"DIR" help:"collect.folder of the agent (default: ${default})."`
}

func (putCmd) Help() string {
	return `Writes a file, which the agent reads at its next report, and again at each one until the time is over. A second
reading of the same name takes the place of the first. Needs no root: being in the folder's group is enough.

Examples:

  piway-agent put door Count 1 --ttl 1d
  piway-agent put freezer None -18.5`
}

// Run is called by the command line parser.
func (c putCmd) Run() error { return own.Put(c.Folder, c.Name, c.Unit, c.Value, c.TTL) }

// file says what a file with own readings gave.
func (p *printer) file(f own.Outcome) {
	for _, s := range f.Samples {
		p.line("own reading    %s: %q: %g %s", plain(f.File), s.Name, s.Value, s.Unit)
	}
	for _, r := range f.Refused {
		p.line("own reading    %s: REFUSED: %s", plain(f.File), r.Error)
	}
	switch more := f.CountRefused() - len(f.Refused); {
	case more > 0:
		p.line("own reading    %s: REFUSED: %d more", plain(f.File), more)
	case len(f.Samples)+len(f.Refused) == 0:
		p.line("own reading    %s: none that holds: its ttl is over, or it is being written", plain(f.File))
	}
}

// plain is a foreign name as a terminal may show it.
func plain(name string) string { return strings.Trim(strconv.Quote(name), `"`) }
