package sql

// A castType is a target of cast (iot-sql-functions, "Casting rules").
type castType struct {
	since Version
	cast  func(v Value, version Version) Value
}

// types are the targets by their names in lower case. Double is not there: its precision is another one.
var types = map[string]castType{
	"decimal":  {V2016, castNumber},
	"int":      {V2015, castInt},
	"integer":  {V2015, castInt},
	"string":   {V2015, castText},
	"nvarchar": {V2015, castText},
	"text":     {V2015, castText},
	"ntext":    {V2015, castText},
	"varchar":  {V2015, castText},
	"boolean":  {V2016, castBoolean},
	"bool":     {V2016, castBoolean},
}

// orUndefined is a value, or Undefined if there is none.
func orUndefined[T any](v T, ok bool) Value {
	if !ok {
		return Undefined{}
	}
	return v
}

func castNumber(v Value, version Version) Value {
	if b, ok := v.(bool); ok {
		v = fromInt(0)
		if b {
			v = fromInt(1)
		}
	}
	return orUndefined(toNumber(v, version))
}

func castInt(v Value, version Version) Value {
	n, ok := castNumber(v, version).(Number)
	if !ok {
		return Undefined{}
	}
	n = n.floor()
	return newNumber(n.coefficient, n.exponent, true, version)
}

func castText(v Value, _ Version) Value { return orUndefined(toText(v)) }

func castBoolean(v Value, _ Version) Value {
	if n, ok := v.(Number); ok {
		return n.coefficient.Sign() != 0
	}
	return orUndefined(toBoolean(v))
}
