package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// same says whether the text, after the change, differs in nothing but the key, which has what is meant.
func same(before []string, changed []byte, key string, meant []string) bool {
	root, err := parse("text", changed)
	if err != nil {
		return false
	}
	own := func(s string) bool { return strings.HasPrefix(s, key+"\x00") || strings.HasPrefix(s, key+"[") }
	both := func(s string) bool { return own(s) || isAbove(key, s) }
	after := flatten("", root)
	got := slices.DeleteFunc(slices.Clone(after), func(s string) bool { return !own(s) })
	return slices.Equal(got, meant) && slices.Equal(slices.DeleteFunc(slices.Clone(before), both),
		slices.DeleteFunc(after, both))
}

// isAbove says whether the flattened line is of a section in which the key lies.
func isAbove(key, line string) bool {
	section, value, _ := strings.Cut(line, "\x00")
	return (value == "" || value == "nothing") && strings.HasPrefix(key, section+".")
}

// flatten lists every value with its key, in the order of the file.
func flatten(path string, n ast.Node) []string {
	if n == nil {
		return nil
	}
	if m, ok := mapping(n); ok {
		var all []string
		for it := m.MapRange(); it.Next(); {
			all = append(all, flatten(join(path, keyText(it.Key())), it.Value())...)
		}
		if path == "" {
			return all
		}
		return append(all, path+"\x00")
	}
	if text, ok := scalar(n); ok {
		return []string{single(path, text)}
	}
	if seq, ok := n.(*ast.SequenceNode); ok {
		all := []string{path + "\x00["}
		for i, e := range seq.Values {
			all = append(all, flatten(fmt.Sprintf("%s[%d]", path, i), e)...)
		}
		return all
	}
	if n.Type() == ast.NullType {
		return []string{path + "\x00nothing"}
	}
	return []string{path + "\x00" + n.String()} // an anchor, alias or tag
}

func single(key, text string) string { return key + "\x00=" + text }
