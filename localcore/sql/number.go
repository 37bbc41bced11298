package sql

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// Precision and range of numbers (iot-sql-data-types): 34 digits, magnitudes from 1E-999 to 9.99…E999.
const (
	maxDigits   = 34
	maxExponent = 999
)

// decimalText is what AWS converts from a string to a Decimal: no plus sign, no white space (iot-sql-data-types).
var decimalText = regexp.MustCompile(`^-?\d+(\.\d+)?((?i)E-?\d+)?$`)

// A Number is an Int or a Decimal, coefficient · 10^exponent. Its exponent remembers how it was written: 1.50 stays
// 1.50.
type Number struct {
	coefficient *big.Int
	exponent    int
	isInt       bool
}

// newNumber rounds half to even at 34 digits. Too large is Undefined, too small is zero. With SQL 2016-03-23 whole
// numbers are Ints, however they are written; with 2015-10-08 those that isInt says.
func newNumber(coefficient *big.Int, exponent int, isInt bool, version Version) Value {
	n := Number{coefficient, exponent, isInt}
	n.limit()
	magnitude := n.magnitude()
	switch {
	case n.coefficient.Sign() == 0:
		n.exponent = max(min(n.exponent, 0), -maxDigits)
	case magnitude > maxExponent:
		return Undefined{}
	case magnitude < -maxExponent:
		n = Number{new(big.Int), 0, isInt}
	}
	if (version == V2016 || isInt) && n.isWhole() && magnitude < maxDigits {
		return Number{n.scaled(0), 0, true}
	}
	n.isInt = false
	return n
}

// parseNumber reads a number in JSON's grammar, which the caller has checked.
func parseNumber(text string, version Version) Value {
	mantissa, power := text, 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		var err error
		mantissa = text[:i]
		if power, err = strconv.Atoi(text[i+1:]); err != nil || power > farOut || power < -farOut {
			power = farOut
			if text[i+1] == '-' {
				power = -farOut
			}
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	coefficient, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		panic("sql: not a number: " + text)
	}
	return newNumber(coefficient, power-len(fraction), mantissa == text && fraction == "", version)
}

// farOut is a power of ten out of range whatever the digits before it, and small enough to calculate with.
const farOut = 1_000_000_000

func fromInt(i int64) Number { return Number{big.NewInt(i), 0, true} }

func powerOfTen(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

func digits(i *big.Int) int { return len(new(big.Int).Abs(i).Text(10)) }

// magnitude is the exponent in scientific notation.
func (n Number) magnitude() int { return n.exponent + digits(n.coefficient) - 1 }

func (n *Number) limit() {
	for over := digits(n.coefficient) - maxDigits; over > 0; over = digits(n.coefficient) - maxDigits {
		unit := powerOfTen(over)
		q, r := new(big.Int).QuoRem(n.coefficient, unit, new(big.Int))
		half := r.Abs(r).Lsh(r, 1).Cmp(unit)
		if half > 0 || half == 0 && q.Bit(0) == 1 {
			q.Add(q, big.NewInt(int64(n.coefficient.Sign())))
		}
		n.coefficient, n.exponent = q, n.exponent+over
	}
}

func (n Number) isWhole() bool {
	if n.exponent >= 0 || n.coefficient.Sign() == 0 {
		return true
	}
	if n.magnitude() < 0 {
		return false
	}
	return new(big.Int).Rem(n.coefficient, powerOfTen(-n.exponent)).Sign() == 0
}

// scaled is the coefficient for another exponent; what does not fit is cut off.
func (n Number) scaled(exponent int) *big.Int {
	if n.exponent >= exponent {
		return new(big.Int).Mul(n.coefficient, powerOfTen(n.exponent-exponent))
	}
	return new(big.Int).Quo(n.coefficient, powerOfTen(exponent-n.exponent))
}

// small returns a whole number that an index can be.
func (n Number) small() (int, bool) {
	if n.magnitude() > 8 {
		return 0, false
	}
	return int(n.scaled(0).Int64()), true
}

// Int64 returns the number if it is whole and fits.
func (n Number) Int64() (int64, bool) {
	if !n.isWhole() || n.magnitude() > 18 {
		return 0, false
	}
	i := n.scaled(0)
	return i.Int64(), i.IsInt64()
}

// String writes an Int in standard notation and a Decimal in scientific notation where its exponent asks for it, as
// AWS says ("possibly"); when is taken from Java, in which 34 digits are at home.
func (n Number) String() string {
	text := new(big.Int).Abs(n.coefficient).Text(10)
	sign := ""
	if n.coefficient.Sign() < 0 {
		sign = "-"
	}
	magnitude := n.magnitude()
	switch {
	case n.exponent == 0:
		return sign + text
	case n.exponent > 0 || magnitude < -6:
		if len(text) > 1 {
			text = text[:1] + "." + text[1:]
		}
		power := strconv.Itoa(magnitude)
		if magnitude > 0 {
			power = "+" + power
		}
		return sign + text + "E" + power
	}
	if short := 1 - n.exponent - len(text); short > 0 {
		text = strings.Repeat("0", short) + text
	}
	point := len(text) + n.exponent
	return sign + text[:point] + "." + text[point:]
}
