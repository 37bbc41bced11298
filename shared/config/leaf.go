package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// leaf fills a field that holds one value.
func (d *decoder) leaf(key string, line int, n ast.Node, v reflect.Value) {
	text, ok := scalar(n)
	switch {
	case ok:
		if err := set(v, text); err != nil {
			d.misread(line, key, "%w", err)
		}
	case n.Type() == ast.NullType:
		d.misread(line, key, "has no value, give it one or delete the line")
	default:
		d.misread(line, key, "must be a single value, got %s", describe(n))
	}
}

// set reads text as the type of v asks. Its errors say "must be …, got …".
func set(v reflect.Value, text string) error {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		return setDuration(v, text)
	}
	if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return nil
	case reflect.Bool:
		return setBool(v, text)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return setInt(v, text)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return setUint(v, text)
	case reflect.Float32, reflect.Float64:
		return setFloat(v, text)
	}
	panic(fmt.Sprintf("config: a field has type %s, which has no form in a file", v.Type()))
}

func setBool(v reflect.Value, text string) error {
	switch strings.ToLower(text) {
	case "true":
		v.SetBool(true)
	case "false":
		v.SetBool(false)
	default:
		return fmt.Errorf("must be true or false, got %s", quote(text))
	}
	return nil
}

func setInt(v reflect.Value, text string) error {
	i, err := strconv.ParseInt(text, 10, v.Type().Bits())
	if errors.Is(err, strconv.ErrRange) {
		top := int64(math.MaxInt64) >> (64 - v.Type().Bits())
		return fmt.Errorf("must be between %d and %d, got %s", -top-1, top, quote(text))
	}
	if err != nil {
		return fmt.Errorf("must be a whole number, got %s", quote(text))
	}
	v.SetInt(i)
	return nil
}

func setUint(v reflect.Value, text string) error {
	u, err := strconv.ParseUint(text, 10, v.Type().Bits())
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("must be between 0 and %d, got %s", uint64(math.MaxUint64)>>(64-v.Type().Bits()), quote(text))
	}
	if err != nil {
		return fmt.Errorf("must be a whole number, 0 or more, got %s", quote(text))
	}
	v.SetUint(u)
	return nil
}

func setFloat(v reflect.Value, text string) error {
	f, err := strconv.ParseFloat(text, v.Type().Bits())
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return fmt.Errorf("must be a number, got %s", quote(text))
	}
	v.SetFloat(f)
	return nil
}
