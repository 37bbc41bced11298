package sql

import (
	"slices"
	"strings"
)

// A Value is what an expression comes to: nil (Null), bool, Number, string, Array, *Object, Raw or Undefined.
type Value any

// Undefined is the value of what is not there. It is not Null: JSON shows it by leaving it out.
type Undefined struct{}

// Raw is a payload that is not JSON, as `SELECT *` hands it on.
type Raw []byte

// An Array is a JSON array.
type Array []Value

// An Object is a JSON object whose members keep their order.
type Object struct {
	names   []string
	members map[string]Value
}

// Get returns a member, Undefined if there is none.
func (o *Object) Get(name string) Value {
	if v, ok := o.members[name]; ok {
		return v
	}
	return Undefined{}
}

// Names returns the members' names in order. The slice is the caller's.
func (o *Object) Names() []string { return slices.Clone(o.names) }

// set adds or replaces a member; Undefined is not kept.
func (o *Object) set(name string, v Value) {
	if isUndefined(v) {
		return
	}
	if o.members == nil {
		o.members = map[string]Value{}
	}
	if _, ok := o.members[name]; !ok {
		o.names = append(o.names, name)
	}
	o.members[name] = v
}

func isUndefined(v Value) bool {
	_, yes := v.(Undefined)
	return yes
}

// Kind names a value's type for a message, with its article.
func Kind(v Value) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case Number:
		return "a number"
	case string:
		return "a string"
	case Array:
		return "an array"
	case *Object:
		return "an object"
	case Raw:
		return "bytes that are not JSON"
	}
	return "nothing (Undefined)"
}

// The conversions below are the tables of iot-sql-data-types. Null has none: AWS says Null for numbers and Undefined
// for text, and either makes what follows Undefined.

func toNumber(v Value, version Version) (Number, bool) {
	switch v := v.(type) {
	case Number:
		return v, true
	case string:
		if !decimalText.MatchString(v) {
			return Number{}, false
		}
		n, ok := parseNumber(v, version).(Number)
		return n, ok
	}
	return Number{}, false
}

// toIndex is the conversion to Int, for positions: a Decimal is rounded, a string truncated.
func toIndex(v Value, version Version) (int, bool) {
	n, ok := toNumber(v, version)
	if !ok {
		return 0, false
	}
	if _, text := v.(string); text {
		return n.truncate().small()
	}
	return n.round().small()
}

func toText(v Value) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	case Number:
		return v.String(), true
	case Array, *Object:
		return string(JSON(v)), true
	}
	return "", false
}

func toBoolean(v Value) (value, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		yes := strings.EqualFold(v, "true")
		return yes, yes || strings.EqualFold(v, "false")
	}
	return false, false
}

// equal compares as the = operator does: values of two types are never equal, whatever they convert to.
func equal(a, b Value) bool {
	switch a := a.(type) {
	case Number:
		b, ok := b.(Number)
		return ok && a.compare(b) == 0
	case Array:
		b, ok := b.(Array)
		return ok && slices.EqualFunc(a, b, equal)
	case *Object:
		b, ok := b.(*Object)
		return ok && sameMembers(a, b)
	case Raw:
		return false
	}
	switch b.(type) {
	case Array, *Object, Number, Raw:
		return false
	}
	return a == b
}

func sameMembers(a, b *Object) bool {
	if len(a.names) != len(b.names) {
		return false
	}
	for name, v := range a.members {
		if !equal(v, b.Get(name)) {
			return false
		}
	}
	return true
}
