package sql

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// A function is one of AWS's, with what the documentation gives for each type of argument (iot-sql-functions).
type function struct {
	least, most int // number of arguments
	since       Version
	eval        func(in *Input, args []Value) Value
}

// functions are all that are supported, by their names in lower case. cast has a grammar of its own.
var functions = map[string]function{
	"get":         {2, 2, V2015, get},
	"topic":       {0, 1, V2015, topic},
	"clientid":    {0, 0, V2015, func(in *Input, _ []Value) Value { return in.ClientID }},
	"timestamp":   {0, 0, V2015, func(in *Input, _ []Value) Value { return fromInt(in.Time.UnixMilli()) }},
	"floor":       {1, 1, V2015, numeric(Number.floor, true)},
	"ceil":        {1, 1, V2015, numeric(Number.ceil, true)},
	"round":       {1, 1, V2015, numeric(Number.round, true)},
	"abs":         {1, 1, V2015, numeric(Number.abs, false)},
	"concat":      {1, math.MaxInt, V2015, concat},
	"endswith":    {2, 2, V2015, ofTexts(func(t []string) Value { return strings.HasSuffix(t[0], t[1]) })},
	"startswith":  {2, 2, V2015, ofTexts(func(t []string) Value { return strings.HasPrefix(t[0], t[1]) })},
	"lower":       {1, 1, V2015, ofTexts(func(t []string) Value { return strings.ToLower(t[0]) })},
	"upper":       {1, 1, V2015, ofTexts(func(t []string) Value { return strings.ToUpper(t[0]) })},
	"length":      {1, 1, V2016, ofTexts(func(t []string) Value { return fromInt(int64(utf8.RuneCountInString(t[0]))) })},
	"isundefined": {1, 1, V2016, func(_ *Input, args []Value) Value { return isUndefined(args[0]) }},
	"isnull":      {1, 1, V2016, func(_ *Input, args []Value) Value { return args[0] == nil }},
}

func functionNames() string {
	return strings.Join(slices.Sorted(maps.Keys(functions)), ", ") + ", cast"
}

func (f function) arity() string {
	switch {
	case f.most == math.MaxInt:
		return fmt.Sprintf("%d or more arguments", f.least)
	case f.least < f.most:
		return fmt.Sprintf("%d to %d arguments", f.least, f.most)
	case f.least == 1:
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", f.least)
}

// numeric converts the argument to a number first.
func numeric(f func(Number) Number, toInt bool) func(*Input, []Value) Value {
	return func(in *Input, args []Value) Value {
		n, ok := toNumber(args[0], in.Version)
		if !ok {
			return Undefined{}
		}
		n = f(n)
		return newNumber(n.coefficient, n.exponent, n.isInt || toInt, in.Version)
	}
}

// ofTexts converts all arguments to strings first; Null and Undefined have none.
func ofTexts(f func(texts []string) Value) func(*Input, []Value) Value {
	return func(_ *Input, args []Value) Value {
		texts := make([]string, len(args))
		for i, v := range args {
			var ok bool
			if texts[i], ok = toText(v); !ok {
				return Undefined{}
			}
		}
		return f(texts)
	}
}

// get takes an object's key as it is, and a 0-based position in an array or a string.
func get(in *Input, args []Value) Value {
	if o, ok := args[0].(*Object); ok {
		if key, ok := args[1].(string); ok {
			return o.Get(key)
		}
		return Undefined{}
	}
	i, ok := toIndex(args[1], in.Version)
	if !ok || i < 0 {
		return Undefined{}
	}
	switch from := args[0].(type) {
	case Array:
		if i < len(from) {
			return from[i]
		}
	case string:
		if letters := []rune(from); i < len(letters) {
			return string(letters[i])
		}
	}
	return Undefined{}
}

// topic counts its levels from 1 and never sees a Basic Ingest prefix (iot-basic-ingest).
func topic(in *Input, args []Value) Value {
	_, rest, _ := BasicIngest(in.Topic)
	if len(args) == 0 {
		return rest
	}
	levels := strings.Split(rest, "/")
	n, ok := toIndex(args[0], in.Version)
	if !ok || n < 1 || n > len(levels) {
		return Undefined{}
	}
	return levels[n-1]
}

// concat makes an array if one of its arguments is one, else a string if one is one. A single argument stays as it is.
func concat(_ *Input, args []Value) Value {
	if len(args) == 1 {
		return args[0]
	}
	if slices.ContainsFunc(args, func(v Value) bool { _, is := v.(Array); return is }) {
		var all Array
		for _, v := range args {
			items, ok := v.(Array)
			if !ok {
				items = Array{v}
			}
			if len(all)+len(items) > maxText {
				return Undefined{}
			}
			all = append(all, items...)
		}
		return all
	}
	if slices.ContainsFunc(args, isText) {
		return join(args...)
	}
	return Undefined{}
}
