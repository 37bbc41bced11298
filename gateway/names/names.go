package names

import (
	"strings"

	"piway/shared/sample"
)

// Names names samples. The zero value leaves their names as they are.
type Names struct {
	site string
	// What stands before and behind the name, cut where the device goes in. Cutting once and joining each time keeps
	// what a name, a site or a device may hold from being taken for a part of the template.
	before, after []string
	// The same as a reader takes it: in lower case, without space at the ends.
	lowBefore, lowAfter []string
}

// New returns the names of a site, "" for none. The template makes the name of a report's sample: {name}, {device} and
// {site} are replaced. A site that it does not hold goes in front: SITE/ and the rest. A template without a {name},
// which the configuration refuses, has it at its end.
func New(template, site string) Names {
	if site != "" && !strings.Contains(template, "{site}") {
		template = "{site}/" + template
	}
	before, after, _ := strings.Cut(template, "{name}")
	n := Names{site: site, before: pieces(before, site), after: pieces(after, site)}
	n.lowBefore, n.lowAfter = pieces(strings.ToLower(before), strings.ToLower(site)),
		pieces(strings.ToLower(after), strings.ToLower(site))
	first, last := &n.lowBefore[0], &n.lowAfter[len(n.lowAfter)-1]
	*first, *last = strings.TrimLeft(*first, " "), strings.TrimRight(*last, " ")
	return n
}

// pieces returns what stands between the devices.
func pieces(template, site string) []string {
	p := strings.Split(template, "{device}")
	for i := range p {
		p[i] = strings.ReplaceAll(p[i], "{site}", site)
	}
	return p
}

// Report returns the full name of a sample that came in a report.
func (n Names) Report(name, device string) string {
	var b strings.Builder
	b.Grow(len(name) + joinedSize(n.before, device) + joinedSize(n.after, device)) // every sample has its name made
	join(&b, n.before, device)
	b.WriteString(name)
	join(&b, n.after, device)
	return b.String()
}

// join writes pieces with the device between them.
func join(b *strings.Builder, pieces []string, device string) {
	for i, piece := range pieces {
		if i > 0 {
			b.WriteString(device)
		}
		b.WriteString(piece)
	}
}

// joinedSize is how much join writes.
func joinedSize(pieces []string, device string) (n int) {
	for _, piece := range pieces {
		n += len(piece)
	}
	return n + max(0, len(pieces)-1)*len(device)
}

// Script returns the full name of a script's bare sample: its own, behind the site.
func (n Names) Script(name string) string {
	return n.prefix() + name
}

func (n Names) prefix() string {
	if n.site == "" {
		return ""
	}
	return n.site + "/"
}

// Base returns a full name without the device and the site: the inverse of Report. Off any other name, such as a
// script's, come the site in front and " (DEVICE)" at the end. Where nothing would be left that CloudWatch takes for a
// name, it is the full name.
func (n Names) Base(full, device string) string {
	base, ok := unwrap(full, n.before, n.after, device)
	if !ok {
		base = strings.TrimPrefix(full, n.prefix())
		base = strings.TrimSuffix(base, " ("+device+")")
	}
	if sample.CheckName(base) != nil {
		return full
	}
	return base
}

// unwrap takes before and after off, with the device in them. They must not overlap in s.
func unwrap(s string, before, after []string, device string) (string, bool) {
	ok := true
	for i, piece := range before {
		if i > 0 && ok {
			s, ok = strings.CutPrefix(s, device)
		}
		if ok {
			s, ok = strings.CutPrefix(s, piece)
		}
	}
	for i := len(after) - 1; i >= 0 && ok; i-- {
		if s, ok = strings.CutSuffix(s, after[i]); i > 0 && ok {
			s, ok = strings.CutSuffix(s, device)
		}
	}
	return s, ok
}
