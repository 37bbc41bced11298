package advice

import (
	"fmt"
	"slices"
	"strings"

	"piway/shared/sample/datum"
	"piway/shared/sample/scan"
)

// A conversion is the CloudWatch unit for another one, and what a value in that is to be multiplied by.
type conversion struct {
	unit   string
	factor float64
}

// times says how what is called so becomes a value in the unit.
func (c conversion) times(what string) string {
	if over := 1 / c.factor; c.factor < 1 && over == float64(int64(over)) {
		return fmt.Sprintf("%s / %d", what, int64(over))
	}
	return what + " × " + datum.FormatValue(c.factor)
}

// hint says what to write for the unit as it was sent.
func (c conversion) hint(sent string) string {
	const no = "not a CloudWatch unit"
	switch {
	case c.factor != 1:
		return fmt.Sprintf(`%s; write "unit": %q and %s`, no, c.unit, c.times("the value"))
	case spelled(sent) == spelled(c.unit), sent == "":
		return fmt.Sprintf(`%s, did you mean %q?`, no, c.unit)
	case c.unit == "None":
		return no + `, and there is none for it; write "unit": "None" and the value as it is`
	default:
		return fmt.Sprintf(`%s, did you mean %q? The value stays as it is (× 1)`, no, c.unit)
	}
}

// spelled is what two spellings of one word have in common.
func spelled(unit string) string { return strings.TrimSuffix(strings.ToLower(scan.Trim(unit)), "s") }

// sameUnit are units that CloudWatch has under another name, in lower case.
var sameUnit = map[string]string{
	"%": "Percent", "pct": "Percent", "percentage": "Percent", "%rh": "Percent", "rh": "Percent", "%r.h.": "Percent",
	"s": "Seconds", "sec": "Seconds", "ms": "Milliseconds", "msec": "Milliseconds", "millis": "Milliseconds",
	"us": "Microseconds", "µs": "Microseconds", "usec": "Microseconds", "micros": "Microseconds",
	"#": "Count", "number": "Count", "counts": "Count", "times": "Count", "events": "Count", "requests": "Count",
	"errors": "Count", "packets": "Count", "pcs": "Count", "integer": "Count", "counter": "Count",
	"hz": "Count/Second", "hertz": "Count/Second", "/s": "Count/Second", "1/s": "Count/Second", "per second": "Count/Second",
	"rps": "Count/Second",
	"qps": "Count/Second", "pps": "Count/Second", "iops": "Count/Second", "ops": "Count/Second", "bps": "Bits/Second",
}

// otherUnit are units that a value has to be converted from, in lower case.
var otherUnit = map[string]conversion{
	"ns": {"Microseconds", 1e-3}, "nsec": {"Microseconds", 1e-3}, "nanosecond": {"Microseconds", 1e-3},
	"min": {"Seconds", 60}, "minute": {"Seconds", 60}, "h": {"Seconds", 3600}, "hr": {"Seconds", 3600},
	"hour": {"Seconds", 3600}, "d": {"Seconds", 86400}, "day": {"Seconds", 86400}, "week": {"Seconds", 604800},
	"khz": {"Count/Second", 1e3}, "mhz": {"Count/Second", 1e6}, "ghz": {"Count/Second", 1e9},
	"/min": {"Count/Second", 1. / 60}, "1/min": {"Count/Second", 1. / 60}, "count/min": {"Count/Second", 1. / 60},
	"count/minute": {"Count/Second", 1. / 60}, "‰": {"Percent", 0.1}, "permille": {"Percent", 0.1},
}

// noUnit are units that CloudWatch has none for, in lower case.
var noUnit = strings.Fields(`c °c celsius cel degc °celsius f °f fahrenheit degf °fahrenheit k °k kelvin ° deg degree
	v volt mv kv µv a amp ampere ma µa mah ah w watt mw kw wh kwh mwh va var j kj hpa pa kpa mbar bar psi mmhg inhg db dbm
	dba lx lux lm ppm ppb aqi µg/m3 µg/m³ ug/m3 ug/m³ mg/m3 mg/m³ m cm mm km ft in inch mi m/s km/h kmh kph mph kn knots l
	ml liter litre m3 m³ gal l/min l/h m3/h m³/h g kg mg t lb oz n nm ph rpm ohm ω kω mω uv uvi state bool boolean
	string text unitless dimensionless no nil null n/a na - raw value float int number/none µs/cm us/cm ms/cm ntu`)

// maxUnit is more than any unit takes, in bytes.
const maxUnit = 40

// Unit says what to write for a unit that CloudWatch does not know.
func Unit(unit string) string {
	if to, ok := convert(unit); ok {
		return to.hint(unit)
	}
	return `not a CloudWatch unit, use "None" for what has none`
}

// convert returns the CloudWatch unit that is meant, false where that is not known.
func convert(unit string) (conversion, bool) {
	if len(unit) > maxUnit {
		return conversion{}, false
	}
	t := strings.TrimLeft(strings.TrimSpace(typed(unit)), `'"*`)
	lower := strings.ToLower(t)
	one := strings.TrimSuffix(lower, "s")
	for u := range datum.Units() {
		if spelled(u) == spelled(t) {
			return conversion{u, 1}, true
		}
	}
	if u, ok := sameUnit[lower]; ok && t != "Bps" {
		return conversion{u, 1}, true
	}
	for _, name := range []string{lower, one} {
		if c, ok := otherUnit[name]; ok {
			return c, true
		}
		if name == "" || slices.Contains(noUnit, name) {
			return conversion{"None", 1}, true
		}
	}
	return amount(t)
}

// typed writes the signs of units in one way.
func typed(unit string) string { return signSpaces.Replace(signs.Replace(scan.ASCII(unit))) }

var (
	signs = strings.NewReplacer("℃", "°C", "℉", "°F", "º", "°", "˚", "°", "\u03bc", "\u00b5", "\u2126", "\u03a9",
		"deg ", "°", "degrees ", "°", "degree ", "°")
	signSpaces = strings.NewReplacer("° ", "°", "% ", "%")
)
