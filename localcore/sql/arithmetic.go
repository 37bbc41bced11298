package sql

import "math/big"

// align returns both coefficients for the smaller of the exponents.
func align(a, b Number) (x, y *big.Int, exponent int) {
	exponent = min(a.exponent, b.exponent)
	return a.scaled(exponent), b.scaled(exponent), exponent
}

func (n Number) compare(m Number) int {
	x, y, _ := align(n, m)
	return x.Cmp(y)
}

// calculate applies one of + - * / % (iot-sql-operators). Int with Int stays Int, so 7 / 2 is 3, and with SQL
// 2016-03-23 7.0 / 2 is 3 too; what was a string is a Decimal, so "7" / 2 is 3.5. Dividing by zero is Undefined.
func calculate(op string, a, b Number, version Version) Value {
	ints := a.isInt && b.isInt
	if (op == "/" || op == "%") && b.coefficient.Sign() == 0 {
		return Undefined{}
	}
	x, y, exponent := align(a, b)
	switch op {
	case "+":
		return newNumber(x.Add(x, y), exponent, ints, version)
	case "-":
		return newNumber(x.Sub(x, y), exponent, ints, version)
	case "*":
		return newNumber(new(big.Int).Mul(a.coefficient, b.coefficient), a.exponent+b.exponent, ints, version)
	case "%":
		return newNumber(x.Rem(x, y), exponent, ints, version)
	}
	if ints {
		return newNumber(x.Quo(x, y), exponent, true, version)
	}
	return divide(a, b, version)
}

// divide keeps the exponent that the operands suggest if the result is exact, and all 34 digits if it is not.
func divide(a, b Number, version Version) Value {
	ideal := a.exponent - b.exponent
	shift := max(0, maxDigits+1+digits(b.coefficient)-digits(a.coefficient))
	numerator := new(big.Int).Mul(a.coefficient, powerOfTen(shift))
	q, r := numerator.QuoRem(numerator, b.coefficient, new(big.Int))
	exponent := ideal - shift
	if r.Sign() != 0 {
		// One more digit, so that what is cut off here still counts when 34 digits are rounded.
		q.Mul(q, big.NewInt(10)).Add(q, big.NewInt(int64(a.coefficient.Sign()*b.coefficient.Sign())))
		return newNumber(q, exponent-1, false, version)
	}
	ten, last := big.NewInt(10), new(big.Int)
	for exponent < ideal {
		shorter, _ := new(big.Int).QuoRem(q, ten, last)
		if last.Sign() != 0 {
			break
		}
		q, exponent = shorter, exponent+1
	}
	return newNumber(q, exponent, false, version)
}

func (n Number) abs() Number {
	n.coefficient = new(big.Int).Abs(n.coefficient)
	return n
}

// towards cuts the fraction off and adds step if there was one.
func (n Number) towards(step func(rest *big.Int, unit *big.Int) int64) Number {
	if n.exponent >= 0 {
		return n
	}
	unit := powerOfTen(-n.exponent)
	q, r := new(big.Int).QuoRem(n.coefficient, unit, new(big.Int))
	if r.Sign() != 0 {
		q.Add(q, big.NewInt(step(r, unit)))
	}
	return Number{q, 0, true}
}

func (n Number) truncate() Number {
	return n.towards(func(*big.Int, *big.Int) int64 { return 0 })
}

func (n Number) floor() Number {
	return n.towards(func(r, _ *big.Int) int64 { return int64(min(r.Sign(), 0)) })
}

func (n Number) ceil() Number {
	return n.towards(func(r, _ *big.Int) int64 { return int64(max(r.Sign(), 0)) })
}

// round goes away from zero at one half: AWS gives Round(1.5) = 2 and Round(-1.5) = -2.
func (n Number) round() Number {
	return n.towards(func(r, unit *big.Int) int64 {
		sign := r.Sign()
		if r.Abs(r).Lsh(r, 1).Cmp(unit) < 0 {
			return 0
		}
		return int64(sign)
	})
}
