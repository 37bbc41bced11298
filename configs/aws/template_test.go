package aws_test

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A template is a CloudFormation template, its short tags read as the long form: !Ref a is {"Ref": "a"}.
type template map[string]any

func readTemplate(t *testing.T, text []byte) template {
	t.Helper()
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Docs) != 1 {
		t.Fatalf("got %d documents, want one", len(file.Docs))
	}
	tree, err := tree(file.Docs[0].Body)
	if err != nil {
		t.Fatal(err)
	}
	return tree.(map[string]any)
}

func tree(n ast.Node) (any, error) {
	switch n := n.(type) {
	case *ast.TagNode:
		return tagged(n)
	case *ast.MappingValueNode:
		return mapping(n.Key, n.Value, map[string]any{})
	case *ast.MappingNode:
		m := map[string]any{}
		for _, v := range n.Values {
			if _, err := mapping(v.Key, v.Value, m); err != nil {
				return nil, err
			}
		}
		return m, nil
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, v := range n.Values {
			var err error
			if list[i], err = tree(v); err != nil {
				return nil, err
			}
		}
		return list, nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.IntegerNode:
		return n.GetToken().Value, nil
	case *ast.BoolNode:
		return n.Value, nil
	}
	return nil, fmt.Errorf("%s: CloudFormation has no %s", n.GetPath(), n.Type())
}

func mapping(key ast.MapKeyNode, value ast.Node, into map[string]any) (any, error) {
	name := key.GetToken().Value
	if _, twice := into[name]; twice {
		return nil, fmt.Errorf("%s: key %s is there twice", key.GetPath(), name)
	}
	var err error
	into[name], err = tree(value)
	return into, err
}

func tagged(n *ast.TagNode) (any, error) {
	v, err := tree(n.Value)
	if err != nil {
		return nil, err
	}
	switch tag := n.Start.Value; tag {
	case "!Ref", "!Condition":
		return map[string]any{tag[1:]: v}, nil
	case "!Sub", "!GetAtt", "!If", "!Equals", "!And", "!Or", "!Not", "!Join", "!FindInMap":
		return map[string]any{"Fn::" + tag[1:]: v}, nil
	default:
		return nil, fmt.Errorf("%s: tag %s is not one of CloudFormation's", n.GetPath(), tag)
	}
}

// A resolver does what CloudFormation does with parameters.
type resolver struct {
	t          *testing.T
	template   template
	values     map[string]string // parameters, pseudo parameters, and what Ref and GetAtt give for resources
	used       map[string]bool   // names that were asked for
	conditions map[string]any
}

// noValue stands for AWS::NoValue: the entry or property is left out.
type noValue struct{}

// resolve returns the resources whose condition holds, resolved.
func (tpl template) resolve(t *testing.T, parameters, resources map[string]string) (map[string]any, *resolver) {
	t.Helper()
	r := &resolver{t: t, template: tpl, used: map[string]bool{}, values: map[string]string{
		"AWS::AccountId": "123456789012", "AWS::Region": "us-east-1", "AWS::Partition": "aws",
	}}
	for name, p := range tpl.section("Parameters") {
		if d, ok := p.(map[string]any)["Default"]; ok {
			r.values[name] = d.(string)
		}
	}
	for name := range parameters {
		if tpl.section("Parameters")[name] == nil {
			t.Errorf("no parameter %s", name)
		}
	}
	maps.Copy(r.values, parameters)
	maps.Copy(r.values, resources)
	r.conditions = tpl.section("Conditions")
	live := map[string]any{}
	for name, res := range tpl.section("Resources") {
		res := maps.Clone(res.(map[string]any))
		if c, ok := res["Condition"]; ok && !r.condition(c.(string)) {
			// What is not made must not be referred to.
			delete(r.values, name)
			delete(r.values, name+".Arn")
			continue
		}
		live[name] = res
	}
	for name, res := range live {
		res := res.(map[string]any)
		res["Properties"] = r.value(name, res["Properties"])
		if d, ok := res["DependsOn"]; ok && live[d.(string)] == nil {
			t.Errorf("%s depends on %s, which is not made", name, d)
		}
	}
	for name, out := range tpl.section("Outputs") {
		out := out.(map[string]any)
		if c, ok := out["Condition"]; !ok || r.condition(c.(string)) {
			r.value("Outputs."+name, out["Value"])
		}
	}
	return live, r
}

func (tpl template) section(name string) map[string]any {
	m, _ := tpl[name].(map[string]any)
	return m
}

func (r *resolver) condition(name string) bool {
	r.used[name] = true
	c, ok := r.conditions[name]
	if !ok {
		r.t.Errorf("no condition %s", name)
		return false
	}
	return r.value("condition "+name, c).(bool)
}

func (r *resolver) name(at, name string) any {
	if name == "AWS::NoValue" {
		return noValue{}
	}
	r.used[name] = true
	v, ok := r.values[name]
	if !ok {
		r.t.Errorf("%s: %s does not resolve", at, name)
	}
	return v
}

// value resolves v, which stands at the given place.
func (r *resolver) value(at string, v any) any {
	switch v := v.(type) {
	case []any:
		list := []any{}
		for i, e := range v {
			if e = r.value(fmt.Sprintf("%s[%d]", at, i), e); e != any(noValue{}) {
				list = append(list, e)
			}
		}
		return list
	case map[string]any:
		for name, arg := range v {
			if name == "Ref" || name == "Condition" && len(v) == 1 && isText(arg) || strings.HasPrefix(name, "Fn::") {
				return r.function(at, name, arg)
			}
		}
		m := map[string]any{}
		for name, e := range v {
			if e = r.value(at+"."+name, e); e != any(noValue{}) {
				m[name] = e
			}
		}
		return m
	}
	return v
}

func isText(v any) bool { _, ok := v.(string); return ok }

var substitution = regexp.MustCompile(`\$\{([^}]*)\}`)

func (r *resolver) function(at, name string, arg any) any {
	at += " " + name
	list, _ := arg.([]any)
	switch name {
	case "Ref", "Fn::GetAtt":
		return r.name(at, arg.(string))
	case "Condition":
		return r.condition(arg.(string))
	case "Fn::Sub":
		return substitution.ReplaceAllStringFunc(arg.(string), func(s string) string {
			inner := s[2 : len(s)-1]
			if rest, literal := strings.CutPrefix(inner, "!"); literal {
				return "${" + rest + "}"
			}
			return r.name(at, inner).(string)
		})
	case "Fn::If":
		if r.condition(list[0].(string)) {
			return r.value(at, list[1])
		}
		return r.value(at, list[2])
	case "Fn::Join":
		var parts []string
		for _, e := range r.value(at, list[1]).([]any) {
			parts = append(parts, e.(string))
		}
		return strings.Join(parts, list[0].(string))
	case "Fn::FindInMap":
		r.used[list[0].(string)] = true
		m, _ := r.template.section("Mappings")[list[0].(string)].(map[string]any)
		key := r.value(at, list[1]).(string)
		row, ok := m[key].(map[string]any)
		if !ok || row[list[2].(string)] == nil {
			r.t.Errorf("%s: no %s of %s", at, list[2], key)
			return ""
		}
		return row[list[2].(string)]
	}
	return r.logic(at, name, list)
}

func (r *resolver) logic(at, name string, list []any) any {
	args, _ := r.value(at, list).([]any)
	switch name {
	case "Fn::Equals":
		return args[0] == args[1]
	case "Fn::Not":
		return !args[0].(bool)
	case "Fn::And":
		for _, a := range args {
			if !a.(bool) {
				return false
			}
		}
		return true
	case "Fn::Or":
		for _, a := range args {
			if a.(bool) {
				return true
			}
		}
		return false
	}
	r.t.Errorf("%s: not a function that is known here", at)
	return nil
}
