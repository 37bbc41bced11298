package advice

import (
	"fmt"
	"strconv"
	"strings"

	"piway/shared/sample/datum"
	"piway/shared/sample/scan"
)

// The ways in which numbers are written that are not JSON's. What a comma means is only told where it can mean one
// thing: 1,234 is 1234 to some and a thousandth of it to others.
var (
	numeral  = scan.NewPattern(`^([-+]?(?:0[xX][0-9a-fA-F]*|[0-9][0-9.,_' ]*|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?)(.*)$`)
	decimal  = scan.NewPattern(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
	hexed    = scan.NewPattern(`^([-+]?)0[xX]([0-9a-fA-F]{1,13})$`)
	byScores = scan.NewPattern(`^[-+]?[0-9]+(_[0-9]+)+(\.[0-9]+)?$`)
	bySpaces = scan.NewPattern(`^[-+]?[0-9]{1,3}( [0-9]{3})+([.,][0-9]+)?$`)
	byTicks  = scan.NewPattern(`^[-+]?[0-9]{1,3}('[0-9]{3})+([.,][0-9]+)?$`)
	// byCommas has two commas or a dot behind one, in threes or as India groups them.
	byCommas    = scan.NewPattern(`^[-+]?[1-9][0-9]{0,2}(,[0-9]{3}\.[0-9]+|(,[0-9]{2,3})+,[0-9]{3}(\.[0-9]+)?)$`)
	byDots      = scan.NewPattern(`^[-+]?[1-9][0-9]{0,2}(\.[0-9]{3},[0-9]+|(\.[0-9]{3}){2,}(,[0-9]+)?)$`)
	eitherComma = scan.NewPattern(`^[-+]?[1-9][0-9]{0,2},[0-9]{3}([eE][-+]?[0-9]+)?$`)
	fracComma   = scan.NewPattern(`^[-+]?[0-9]*,[0-9]+([eE][-+]?[0-9]+)?$`)
)

// A reading is what a numeral means: the number to write, and why it is none as it stands. Both are "" where it has no
// meaning; where it may have two, the number is, and why says so.
type reading struct{ number, why string }

// groupings are the ways to write a number that have one meaning, with what is to be left out of it. A comma that stays
// is the decimal one.
var groupings = []struct {
	is        scan.Pattern
	why, drop string
}{
	{decimal, "", ""},
	{byScores, "underscores in it", "_"},
	{bySpaces, "spaces that group thousands", " "},
	{byTicks, "apostrophes that group thousands", "'"},
	{byCommas, "commas that group thousands", ","},
	{byDots, "dots that group thousands", "."},
}

// readNumeral takes a numeral that may be written in another way than JSON's.
func readNumeral(s string) reading {
	for _, g := range groupings {
		if g.is.Matches(s) {
			return reading{formatted(strings.Replace(remove(s, g.drop), ",", ".", 1)), g.why}
		}
	}
	if m := hexed.Find(s); m != nil {
		v, _ := strconv.ParseInt(m[2], 16, 64) // of 13 digits at most
		return reading{formatted(m[1] + strconv.FormatInt(v, 10)), "hexadecimal"}
	}
	switch {
	case eitherComma.Matches(s):
		return reading{"", fmt.Sprintf("a comma, which groups thousands or is a decimal comma: write %s if it groups, else a "+
			"dot for it (LC_ALL=C in the script)", formatted(remove(s, ",")))}
	case fracComma.Matches(s):
		return reading{formatted(strings.Replace(s, ",", ".", 1)), "decimal comma"}
	default:
		return reading{}
	}
}

func remove(s, drop string) string {
	if drop == "" {
		return s
	}
	return strings.ReplaceAll(s, drop, "")
}

// formatted returns the number as JSON has it, "" if it is none that CloudWatch takes.
func formatted(s string) string {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || datum.CheckValue(v) != nil {
		return ""
	}
	return datum.FormatValue(v + 0)
}

// plainly is the hint for a text that is nothing else.
const plainly = "not a number; write it in digits, and send nothing where there is no reading"

// Value says what a text in the place of a number looks like, and what to write. The text is not empty.
func Value(s string) string {
	t := scan.Trim(s)
	if len(t) > maxNumeral {
		return plainly
	}
	if hint := wordHint(t); hint != "" {
		return hint
	}
	plain := scan.ASCII(t)
	m := numeral.Find(plain)
	if m == nil {
		return plainly
	}
	head := strings.TrimRight(m[1], " ',.")
	r := readNumeral(head)
	switch unit := strings.TrimSpace(plain[len(head):]); {
	case r.number == "" && r.why == "", r.why == "hexadecimal" && unit != "":
		return plainly
	case strings.Trim(unit, ".,") == "":
		return r.hint(plain != t)
	default:
		return r.withUnit(unit)
	}
}

// maxNumeral is more than any number with its unit takes, in bytes.
const maxNumeral = 48

func (r reading) hint(typeset bool) string {
	switch {
	case r.number == "":
		return r.why
	case r.why == "" && typeset:
		r.why = "not in ASCII"
	case r.why == "":
		r.why = "not as JSON writes a number"
	case r.why == "decimal comma":
		return fmt.Sprintf(`decimal comma, write "value": %s (LC_ALL=C in the script)`, r.number)
	}
	return fmt.Sprintf(`%s; write "value": %s`, r.why, r.number)
}

// withUnit is the hint for a number that has its unit behind it.
func (r reading) withUnit(unit string) string {
	what := "a number with a unit"
	if r.why != "" {
		what += ", " + r.why
	}
	to, known := convert(unit)
	switch {
	case !isUnitLike(unit) && strings.ContainsAny(unit, "0123456789"):
		return "not a number; send each number as a sample of its own"
	case !isUnitLike(unit):
		return plainly
	case r.number == "":
		return what + `; put the unit into "unit"`
	case !known:
		return fmt.Sprintf(`%s; write "value": %s and the unit in "unit", "None" if CloudWatch has none for it`, what, r.number)
	case to.factor == 1:
		return fmt.Sprintf(`%s; write "value": %s and "unit": %q`, what, r.number, to.unit)
	default:
		v, _ := strconv.ParseFloat(r.number, 64)
		return fmt.Sprintf(`%s; write "value": %s, which is %s, and "unit": %q`, what,
			datum.FormatValue(rounded(v*to.factor)), to.times(r.number), to.unit)
	}
}

// rounded is a number to 13 digits: what arithmetic adds behind them is none of it.
func rounded(v float64) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 13, 64), 64)
	return v
}

// isUnitLike reports whether what stands behind a number may be a unit, such as no part of a date is.
func isUnitLike(s string) bool {
	return strings.TrimLeft(s[:1], "0123456789.,:;/-+_()[]{}") != ""
}
