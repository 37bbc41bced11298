package config

import (
	"encoding"
	"fmt"
	"iter"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// A decoder walks the YAML tree beside the struct and collects what does not fit.
type decoder struct {
	text     string
	types    []field         // of the whole file
	lines    map[string]int  // the line of each key that the file has
	bad      map[string]bool // keys whose value could not be read
	mistakes []mistake
}

func (d *decoder) fail(line int, key, format string, args ...any) {
	d.mistakes = append(d.mistakes, mistake{line, Errorf(key, format, args...)})
}

// misread is fail for a value that could not be read and so is not in the struct.
func (d *decoder) misread(line int, key, format string, args ...any) {
	d.bad[key] = true
	d.fail(line, key, format, args...)
}

// enclosing iterates over a key and what it lies in: a.b[0].c, a.b[0], a.b, a.
func enclosing(key string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for yield(key) {
			cut := strings.LastIndexAny(key, ".[")
			if cut < 0 {
				return
			}
			key = key[:cut]
		}
	}
}

// unread says whether the key, or what it lies in, has a value that could not be read.
func (d *decoder) unread(key string) bool {
	for k := range enclosing(key) {
		if d.bad[k] {
			return true
		}
	}
	return false
}

// lineOf returns the line of a key, or of what it lies in if the file does not have the key itself, or 0.
func (d *decoder) lineOf(key string) int {
	for k := range enclosing(key) {
		if line := d.lines[k]; line > 0 {
			return line
		}
	}
	return 0
}

// A field is a field of a struct that is a key of the file.
type field struct {
	key   string
	index int
	typ   reflect.Type
}

// fieldsOf lists the keys of a struct. A Secret is never one: a file holds the path of a secret.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" || key == "-" || !f.IsExported() || f.Type == reflect.TypeFor[Secret]() {
			continue
		}
		fields = append(fields, field{key, i, f.Type})
	}
	return fields
}

// isText is true for types that read themselves from one value.
func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func isGroup(t reflect.Type) bool { return t.Kind() == reflect.Struct && !isText(t) }

// group fills a struct from a mapping.
func (d *decoder) group(path string, line int, n ast.Node, v reflect.Value) {
	if n.Type() == ast.NullType {
		return // all of its keys are commented out: the defaults stay
	}
	m, ok := mapping(n)
	if !ok {
		d.notGroup(path, line, n)
		return
	}
	fields := fieldsOf(v.Type())
	first := map[string]int{}
	for it := m.MapRange(); it.Next(); {
		name, line := keyText(it.Key()), lineAt(it.Key())
		key := join(path, name)
		if at, twice := first[name]; twice {
			d.fail(line, key, "duplicate key, first on line %d, delete one of them", at)
			continue
		}
		first[name] = line
		f := find(fields, name)
		if f == nil {
			d.fail(line, key, "unknown key%s", d.suggest(name, fields))
			continue
		}
		d.lines[key] = line
		d.value(key, line, it.Value(), v.Field(f.index))
	}
}

// notGroup tells of what is where a group should be, and how its first line was probably meant.
func (d *decoder) notGroup(path string, line int, n ast.Node) {
	d.bad[path] = true
	at := lineAt(n)
	err := fmt.Errorf("must be a group of keys, got %s", describe(n))
	if seq, ok := n.(*ast.SequenceNode); ok && len(seq.Values) > 0 {
		if m, ok := mapping(seq.Values[0]); ok {
			it := m.MapRange()
			it.Next()
			err = fmt.Errorf("%w, try: the lines below it without the hyphen before %s", err, quote(keyText(it.Key())))
		}
	} else if _, ok := scalar(n); ok && at > line {
		err = meant(d.text, at, err)
	}
	d.mistakes = append(d.mistakes, mistake{line, &keyError{path, err}})
}

// value fills one field of any kind. line is that of its key.
func (d *decoder) value(key string, line int, n ast.Node, v reflect.Value) {
	switch {
	case describe(n) == oddNode:
		d.misread(line, key, "must be written out: anchors, aliases and tags are not read")
	case isGroup(v.Type()):
		d.group(key, line, n, v)
	case v.Kind() == reflect.Slice && !isText(v.Type()):
		d.list(key, line, n, v)
	default:
		d.leaf(key, line, n, v)
	}
}

// list replaces a slice by the entries of a sequence.
func (d *decoder) list(key string, line int, n ast.Node, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.misread(line, key, "must be a list such as [a, b], or [] for none, got %s", describe(n))
		return
	}
	all := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, entry := range seq.Values {
		at := fmt.Sprintf("%s[%d]", key, i)
		d.lines[at] = lineAt(entry)
		if entry.Type() == ast.NullType {
			d.misread(lineAt(entry), at, "has no value, give it one or delete the line")
			continue
		}
		d.value(at, lineAt(entry), entry, all.Index(i))
	}
	v.Set(all)
}

func keyText(n ast.Node) string {
	if text, ok := scalar(n); ok {
		return text
	}
	return n.GetToken().Value
}

func join(path, name string) string {
	if strings.ContainsFunc(name, func(r rune) bool {
		return r == '.' || r == '[' || r <= ' ' || r == '"' ||
			r == 0x7f
	}) || len(name) > 60 {
		name = quote(name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

func find(fields []field, key string) *field {
	for i := range fields {
		if fields[i].key == key {
			return &fields[i]
		}
	}
	return nil
}
