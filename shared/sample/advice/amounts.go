package advice

import (
	"math"
	"strings"

	"piway/shared/sample/scan"
)

// amountUnit is an amount of data or a rate of one, or of events: its prefix, the unit, and what makes it a rate.
var amountUnit = scan.NewPattern(`^(?:([kKmMgGtTpP])(i)?|((?i)kilo|mega|giga|tera|peta|kibi|mebi|gibi|tebi|pebi))?` +
	`[ -]?((?i)bytes?|bits?|octets?|[bBoO])((?i)ps| ?(?:/|per) ?s(?:ecs?|econds?)?)?$`)

// eventRate is so many of something a second.
var eventRate = scan.NewPattern(`^(?i)(?:count|req|request|event|packet|pkt|op|operation|message|msg|error|sample|` +
	`pulse|time|hit|querie|query|transaction|io)s? ?(?:/|per) ?s(?:ecs?|econds?)?$`)

const prefixes = "kmgtp"

// amount returns the CloudWatch unit of an amount of data or of a rate. Binary prefixes have a factor, as CloudWatch's
// are the decimal ones; for peta it has none.
func amount(unit string) (conversion, bool) {
	if eventRate.Matches(unit) {
		return conversion{"Count/Second", 1}, true
	}
	m := amountUnit.Find(unit)
	if m == nil {
		return conversion{}, false
	}
	word, rate := strings.ToLower(m[3]), m[5] != ""
	letter, binary := strings.ToLower(m[1]), m[2] != ""
	if word != "" {
		letter, binary = word[:1], strings.HasSuffix(word, "bi")
	}
	power := strings.Index(prefixes, letter) + 1 // 1 for kilo
	if letter == "" {
		power = 0
	}
	c := conversion{factor: 1}
	if binary {
		c.factor = math.Pow(1.024, float64(power))
	}
	if power == len(prefixes) {
		power--
		c.factor *= 1000
	}
	c.unit = []string{"", "Kilo", "Mega", "Giga", "Tera"}[power] + noun(m[4], m[1], rate)
	if power == 0 {
		c.unit = strings.ToUpper(c.unit[:1]) + c.unit[1:]
	}
	if rate {
		c.unit += "/Second"
	}
	c.factor = rounded(c.factor)
	return c, true
}

// noun tells bits from bytes. A b alone is a bit in a rate and behind a capital, as in kb/s and Mb; kb is written for
// kilobytes.
func noun(unit, prefix string, rate bool) string {
	bit := strings.HasPrefix(strings.ToLower(unit), "bit")
	if unit == "b" && (rate || prefix == "M" || prefix == "G" || prefix == "T") {
		bit = true
	}
	if bit {
		return "bits"
	}
	return "bytes"
}
