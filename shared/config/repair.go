package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/parser"
)

// A repair is one line written as it was probably meant.
type repair struct {
	line int // from 1
	why  string
	text string
}

// hint is told only of a repair that works.
func (r *repair) hint() string {
	blanks := len(r.text) - len(strings.TrimLeft(r.text, " "))
	before := "no blank"
	switch blanks {
	case 0:
	case 1:
		before = "1 blank"
	default:
		before = fmt.Sprintf("%d blanks", blanks)
	}
	shown := strings.TrimSpace(r.text)
	if runes := []rune(shown); len(runes) > maxShown {
		shown = string(runes[:maxShown]) + "…"
	}
	return fmt.Sprintf("this as line %d, with %s before it: %s", r.line, before, shown)
}

// maxRepairs bounds how often a text is parsed to see whether a repair works.
const maxRepairs = 8

// findRepair returns the first line of a text that cannot be read, and how it was probably meant. It returns nil where
// no single line, written otherwise, lets the parser come further.
func findRepair(text string) *repair {
	at := faultLine(text)
	lines := strings.Split(text, "\n")
	tried := 0
	for _, r := range candidates(lines) {
		if tried++; tried > maxRepairs {
			return nil
		}
		was := lines[r.line-1]
		lines[r.line-1] = r.text
		after := faultLine(strings.Join(lines, "\n"))
		lines[r.line-1] = was
		if after == 0 || (after > r.line && after > at) {
			return r
		}
	}
	return nil
}

// faultLine is where the parser stops, 0 if it does not.
func faultLine(text string) int {
	_, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err == nil {
		return 0
	}
	return max(1, syntax(err).line)
}

// candidates are the lines that look wrong, first those that no YAML is, then those that may be.
func candidates(lines []string) []*repair {
	var all []*repair
	for i, line := range lines {
		if r := rewritten(line); r != nil {
			r.line = i + 1
			all = append(all, r)
		}
	}
	return append(all, indented(lines)...)
}

var (
	// blanks are what looks like some and is none to YAML, a tab included.
	oddBlanks = regexp.MustCompile("^[ \\t\u00a0\u2000-\u200b\u202f\u3000]*[\\t\u00a0\u2000-\u200b\u202f\u3000][ \\t\u00a0\u2000-\u200b\u202f\u3000]*")
	curly     = strings.NewReplacer("\u201c", `"`, "\u201d", `"`, "\u201e", `"`, "\u00ab", `"`, "\u00bb", `"`, "\u2018", "'", "\u2019", "'")
	quoted    = regexp.MustCompile("[:,\\[-]\\s*[\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019]")
	slashes   = regexp.MustCompile(`^( *)//+ ?(.*)$`)
	equals    = regexp.MustCompile(`^( *(?:- )?[a-z_]+) *= *(\S.*)$`)
	noBlank   = regexp.MustCompile(`^( *(?:- )?[a-z_]+):([^\s:].*)$`)
	noColon   = regexp.MustCompile(`^( *(?:- )?[a-z_]+) +([^\s:#]+|\S+:\d+|"[^"]*")$`)
	noDash    = regexp.MustCompile(`^( *)-([^\s-].*)$`)
	reserved  = regexp.MustCompile("^( *(?:- )?[a-z_]+: +)([@`%*&!|>][^\"#]*?)( #.*)?$")
	colons    = regexp.MustCompile(`^( *(?:- )?[a-z_]+: +)([^"'\[{#][^"#]*: [^"#]*?)( #.*)?$`)
	unclosed  = regexp.MustCompile(`^( *(?:- )?[a-z_]+: +)"([^"\\]*)$`)
)

// rewritten is a line as it was meant, nil for one that looks right.
func rewritten(line string) *repair {
	line = strings.TrimRight(line, "\r")
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return nil
	}
	if r := alike(line); r != nil {
		return r
	}
	for _, form := range []struct {
		is       *regexp.Regexp
		why, put string
	}{
		{slashes, "is no comment", "$1# $2"},
		{equals, "has = for a colon", "$1: $2"},
		{noDash, "has no blank behind the hyphen", "$1- $2"},
		{noBlank, "has no blank behind the colon", "$1: $2"},
		{noColon, "has no colon", "$1: $2"},
		{unclosed, "has no quote at its end", `$1"$2"`},
		{reserved, "begins with a character that means something to YAML", `$1"$2"$3`},
		{colons, "has two colons", `$1"$2"$3`},
	} {
		if form.is.MatchString(line) {
			return &repair{why: form.why, text: form.is.ReplaceAllString(line, form.put)}
		}
	}
	return nil
}

// alike is a line without characters that only look like blanks and quotes, nil for one that has none.
func alike(line string) *repair {
	if odd := oddBlanks.FindString(line); odd != "" && strings.TrimSpace(line) != "" {
		even := strings.Map(func(r rune) rune {
			if r == '\t' {
				return r
			}
			return ' '
		}, odd)
		why := "is indented by characters that only look like blanks"
		if strings.Contains(odd, "\t") {
			why = "is indented by a tab, and YAML takes blanks only"
		}
		return &repair{why: why, text: strings.ReplaceAll(even, "\t", "  ") + line[len(odd):]}
	}
	before, comment := line, ""
	if i := strings.Index(line, " #"); i >= 0 {
		before, comment = line[:i], line[i:]
	}
	if straight := curly.Replace(before) + comment; quoted.MatchString(before) {
		return &repair{why: "has typographic quotes", text: straight}
	}
	return nil
}

var keyLine = regexp.MustCompile(`^( *)(- +)?[^\s#:]+:(?:\s+(.*?))?\s*$`)

// indented are the keys that are deeper than a neighbour with a value, or between two depths.
func indented(lines []string) []*repair {
	var all []*repair
	var open []int // the depths of the keys around
	valued := false
	for i, line := range lines {
		m := keyLine.FindStringSubmatch(strings.TrimRight(line, "\r"))
		if m == nil {
			continue
		}
		depth := len(m[1]) + len(m[2])
		open = around(open, depth)
		if want := depthOf(open, depth, valued); want != depth && m[2] == "" {
			all = append(all, &repair{
				line: i + 1, why: "is not indented as its neighbours are",
				text: strings.Repeat(" ", want) + strings.TrimLeft(line, " "),
			})
			continue
		}
		if len(open) == 0 || open[len(open)-1] < depth {
			open = append(open, depth)
		}
		valued = m[3] != "" && !strings.HasPrefix(m[3], "#")
	}
	return all
}

// around are those of open that a key of this depth stands in or beside.
func around(open []int, depth int) []int {
	for len(open) > 0 && open[len(open)-1] > depth && !between(open, depth) {
		open = open[:len(open)-1]
	}
	return open
}

// depthOf is the depth that a key below those of open was meant to have. valued tells that the last one has a value.
func depthOf(open []int, depth int, valued bool) int {
	if len(open) == 0 {
		return depth
	}
	last := open[len(open)-1]
	if last < depth && valued || between(open, depth) {
		return last
	}
	return depth
}

// between is whether no key around has this depth, and the last one is deeper.
func between(open []int, depth int) bool {
	return len(open) > 0 && depth < open[len(open)-1] && !slices.Contains(open, depth)
}
