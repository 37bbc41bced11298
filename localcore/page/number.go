package page

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Numbers from plainMin up to plainMax are written out, the others with an SI prefix, as 250k or 3.1µ.
const (
	plainMin, plainMax = 1e-3, 1e5
	significant        = 4 // digits of a single number
)

// prefixes are those of 10^-12 to 10^18, a thousand apart.
var prefixes = [...]string{"p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E"}

// scale returns the power of ten that numbers up to v are written in, and its name: 6 and "M".
// Beyond the prefixes the name is an exponent.
func scale(v float64) (power int, name string) {
	v = math.Abs(v)
	if v == 0 || (v >= plainMin && v < plainMax) {
		return 0, ""
	}
	power = 3 * int(math.Floor(math.Log10(v)/3))
	if i := power/3 + 4; i >= 0 && i < len(prefixes) {
		return power, prefixes[i]
	}
	return power, "e" + strconv.Itoa(power)
}

// down divides by a power of ten. It does so in two steps, as 10^-power may be infinite where v is tiny.
func down(v float64, power int) float64 {
	half := power / 2
	return v / math.Pow10(half) / math.Pow10(power-half)
}

// number writes a value with four significant digits: 1,234 0.05 250k -3.1µ.
func number(v float64) string {
	if a := math.Abs(v); !(a < drawable) || (a != 0 && a < 1/drawable) { // also NaN; logarithms err below 1e-308
		return strconv.FormatFloat(v, 'g', significant, 64)
	}
	if v == math.Trunc(v) && math.Abs(v) < plainMax {
		return group(strconv.FormatFloat(v+0, 'f', 0, 64)) // exact
	}
	// Round first, so that 999.96k becomes 1M and not 1,000k.
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', significant-1, 64), 64)
	if err != nil {
		rounded = v // out of range by the rounding
	}
	power, name := scale(rounded)
	scaled := down(rounded, power)
	digits := 0
	if scaled != 0 {
		digits = max(0, significant-1-int(math.Floor(math.Log10(math.Abs(scaled)))))
	}
	return group(trim(strconv.FormatFloat(scaled, 'f', digits, 64))) + name
}

// labels writes the ticks of one axis, all in one scale and with as many decimals as the step needs to tell them apart.
func labels(ticks []float64, step float64) []string {
	most := 0.0
	for _, t := range ticks {
		most = max(most, math.Abs(t))
	}
	power, name := scale(most)
	digits := decimals(down(step, power))
	out := make([]string, 0, len(ticks))
	for _, t := range ticks {
		s := strconv.FormatFloat(down(t, power), 'f', digits, 64)
		if t == 0 {
			out = append(out, "0")
			continue
		}
		out = append(out, group(s)+name)
	}
	return out
}

// decimals returns how many digits behind the point a multiple of step needs.
func decimals(step float64) int {
	const most = 12
	for d := range most {
		if shifted := step * math.Pow10(d); math.Abs(shifted-math.Round(shifted)) < 1e-6*shifted {
			return d
		}
	}
	return most
}

// trim removes what a decimal fraction does not need.
func trim(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// group puts a comma between thousands.
func group(s string) string {
	s, minus := strings.CutPrefix(s, "-")
	whole, fraction, found := strings.Cut(s, ".")
	var parts []string
	for len(whole) > 3 {
		parts = append(parts, whole[len(whole)-3:])
		whole = whole[:len(whole)-3]
	}
	parts = append(parts, whole)
	slices.Reverse(parts)
	out := strings.Join(parts, ",")
	if found {
		out += "." + fraction
	}
	if minus {
		out = "\u2212" + out // a minus sign is as wide as a digit, a hyphen is not
	}
	return out
}

// count writes a counter.
func count[T int | int64](n T) string { return group(strconv.FormatInt(int64(n), 10)) }

// money writes an amount in US dollars, and never a charge as zero.
func money(usd float64, digits int) string {
	if least := math.Pow10(-digits); usd > 0 && usd < least {
		return "< $" + strconv.FormatFloat(least, 'f', digits, 64)
	}
	return "$" + group(strconv.FormatFloat(usd, 'f', digits, 64))
}

// unitName is how the page calls a unit.
func unitName(unit string) string {
	if unit == "" || unit == "None" {
		return "no unit"
	}
	return unit
}

// exact writes a value with eight significant digits.
func exact(v float64) string {
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e15) || math.IsNaN(v) {
		return strconv.FormatFloat(v, 'g', 8, 64)
	}
	whole := len(strconv.FormatFloat(math.Abs(math.Trunc(v)), 'f', 0, 64))
	return group(trim(strconv.FormatFloat(v+0, 'f', max(0, 8-whole), 64)))
}
