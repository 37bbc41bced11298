package advice

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"

	"piway/shared/sample/datum"
	"piway/shared/sample/scan"
)

// What is sent in the place of JSON, by how its first line looks.
var (
	influxLine = scan.NewPattern(`^[^\s,={}"]+(?:,[^\s,=]+=[^\s,=]+)* ([^\s,=]+)=(-?[0-9.]+(?:[eE][-+]?\d+)?)[iu]?` +
		`(?:,[^\s=]+=\S+)*( \d+)?$`)
	promLine    = scan.NewPattern(`^(?:# (?:HELP|TYPE) |[A-Za-z_:][\w:]*\{[^}]*\} )`)
	keyIsValue  = scan.NewPattern(`^([A-Za-z_][\w ./()-]*?)\s*[=:]\s*("?[-+]?[0-9][^\s&,;]*)$`)
	formEncoded = scan.NewPattern(`^[\w.%+-]+=[^&\s]*(?:&[\w.%+-]+=[^&\s]*)+$`)
	yamlLine    = scan.NewPattern(`^(?:---|- ?[A-Za-z_]\w*:|[A-Za-z_]\w*:(?: |$))`)
	csvLine     = scan.NewPattern(`^[^,;\t{}\[\]]*(?:[,;\t][^,;\t{}\[\]]*)+$`)
	nameNumber  = scan.NewPattern(`^([A-Za-z][\w ./()-]*?)\s+([-+]?[0-9][0-9.]*)$`)
	hexText     = scan.NewPattern(`^(?:0[xX])?([0-9a-fA-F]{2}(?:[ :]?[0-9a-fA-F]{2})+)`)
	base64Text  = scan.NewPattern(`^[A-Za-z0-9+/_-]{8,}={0,2}$`)
)

// lookalike says what a text looks like that is no JSON, and what to send.
func lookalike(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	line = strings.TrimSpace(line)
	switch {
	case strings.HasPrefix(line, "'{"), strings.HasPrefix(line, "'["), strings.HasPrefix(line, "`"):
		return "has quotes around the JSON text that the shell did not take; send the text without them"
	case strings.HasPrefix(line, `\{`), strings.HasPrefix(line, `\"`):
		return "has backslashes before the quotes; send the JSON text without them"
	case strings.HasPrefix(line, "<"):
		return "looks like XML or HTML; send " + example
	case strings.HasPrefix(line, "//"), strings.HasPrefix(line, "/*"):
		return "begins with a comment, which JSON does not have; leave it out"
	case strings.HasPrefix(strings.ToLower(line), "%7b"), strings.HasPrefix(line, "{&quot;"):
		return "is encoded for a URL; send the JSON text itself"
	case strings.HasPrefix(line, "{"), strings.HasPrefix(line, "["):
		return "has no end; what closes a bracket or a quote is missing"
	}
	if hint := inText(line); hint != "" {
		return hint
	}
	return alone(line)
}

// formats are those of one line, in the order in which they are looked for. Of the first the name and the number are
// groups.
var formats = []struct {
	is       scan.Pattern
	what     string
	isSample bool
}{
	{influxLine, "looks like InfluxDB's line protocol; send ", true},
	{keyIsValue, "looks like a name and its value; send ", true},
	{nameNumber, "looks like a name and its value; send ", true},
	{promLine, "looks like Prometheus' text; send ", false},
	{formEncoded, "looks like a form of the web; send ", false},
	{yamlLine, "looks like YAML; send ", false},
	{csvLine, "looks like CSV; send ", false},
}

// inText says in which other format a line is; "" if that is not known.
func inText(line string) string {
	if _, isNumber := lone(line); isNumber {
		return "" // 12,5 is no CSV
	}
	for _, f := range formats {
		m := f.is.Find(line)
		switch {
		case m == nil:
		case f.isSample:
			return f.what + reworded(m[1], m[2])
		default:
			return f.what + example
		}
	}
	if holdsJSON(line) {
		return "is JSON in another coding, base64 or hexadecimal; send the text itself"
	}
	return ""
}

// alone says what a single word or number is.
func alone(line string) string {
	switch p, isNumber := lone(line); {
	case p.number != "":
		return "is a number alone; send " + p.sample()
	case isNumber:
		return "is a number alone; send an object such as " + example
	}
	switch hint := wordHint(line); hint {
	case "":
		return "is no JSON; send an object such as " + example
	case aState:
		return "is a state alone; send an object, with 1 for one state and 0 for the other: " + reworded("", "1")
	default:
		return "is " + hint
	}
}

// lone returns the number that a line is, with its unit; without a number where it can mean two.
func lone(line string) (p pair, ok bool) {
	plain := scan.ASCII(scan.Trim(line))
	m := numeral.Find(plain)
	if m == nil || len(line) > maxNumeral {
		return p, false
	}
	head := strings.TrimRight(m[1], " ',.")
	r := readNumeral(head)
	unit := strings.TrimSpace(plain[len(head):])
	to, known := convert(unit)
	if unit != "" && !known {
		return p, false
	}
	p = pair{name: "NAME", number: r.number, unit: to.unit}
	if v, err := strconv.ParseFloat(r.number, 64); err == nil {
		p.number = datum.FormatValue(rounded(v * to.factor))
	}
	return p, r.number != "" || r.why != ""
}

// holdsJSON reports whether a line is a JSON object or array in base64 or in hexadecimal digits.
func holdsJSON(line string) bool {
	const most = 64
	if m := hexText.Find(line); m != nil {
		digits := strings.NewReplacer(" ", "", ":", "").Replace(m[1])
		b, _ := hex.DecodeString(digits[:min(len(digits), most)&^1])
		return jsonLike(b)
	}
	if !base64Text.Matches(line) {
		return false
	}
	word := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(line, "="))
	b, _ := base64.RawStdEncoding.DecodeString(word[:min(len(word), most)&^3])
	return jsonLike(b)
}
