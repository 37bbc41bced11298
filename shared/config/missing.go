package config

import (
	"fmt"
	"reflect"

	"github.com/goccy/go-yaml/ast"
)

// Missing lists the keys of the struct like, dotted and in its order, that the YAML text does not contain: a sample
// file that explains every key has none. Keys inside the entries of a list are not asked for.
func Missing(text []byte, like any) ([]string, error) {
	root, err := parse("text", text)
	if err != nil {
		return nil, err
	}
	t := reflect.TypeOf(like)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: keys asked of %T, which is no struct", like))
	}
	return missing("", root, t), nil
}

func missing(path string, n ast.Node, t reflect.Type) []string {
	has := map[string]ast.Node{}
	if m, ok := mapping(n); ok {
		for it := m.MapRange(); it.Next(); {
			has[keyText(it.Key())] = it.Value()
		}
	}
	var keys []string
	for _, f := range fieldsOf(t) {
		child, ok := has[f.key]
		switch {
		case isGroup(f.typ):
			keys = append(keys, missing(join(path, f.key), child, f.typ)...)
		case !ok:
			keys = append(keys, join(path, f.key))
		}
	}
	return keys
}
