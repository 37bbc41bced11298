// Package sql is the SQL of IoT Core's rules engine. Its one promise: a statement or template that parses means here
// what AWS documents (iot-sql-reference and its pages, named where they are obeyed), and any other is refused with its
// column. It is pure: nothing is kept between messages, and evaluating cannot fail or panic.
package sql

import (
	"errors"
	"fmt"
)

// A Version is a rule's awsIotSqlVersion.
type Version string

// The versions that rules in use have (iot-rule-sql-version). A rule that names none has V2015.
const (
	V2015 Version = "2015-10-08"
	V2016 Version = "2016-03-23"
)

// ErrNotJSON is for a SELECT of attributes from a payload that is not JSON.
var ErrNotJSON = errors.New("payload is not JSON")

// A Query is a rule's SQL statement. It does not change after it was parsed.
type Query struct {
	// From is nil without a FROM clause: such a rule is reached by Basic Ingest only (iot-basic-ingest).
	From  *Filter
	items []item
	value expr // of SELECT VALUE, instead of items
	where expr // nil: every message
}

// An item is one expression of SELECT and the member it becomes.
type item struct {
	value expr
	name  string // "" for *
}

// Parse reads
//
//	SELECT (item [AS name], … | VALUE expression) [FROM 'topic/filter'] [WHERE expression]
//
// with keywords in any case. An error says at which column (in characters, from 1) and what was wanted.
func Parse(text string, version Version) (Query, error) {
	return newParser(text, version).parseQuery()
}

// Run evaluates the statement. A message that WHERE does not come to true for is not selected, and Undefined is not
// true. Raw goes through `SELECT *` as it is (binary-payloads); any other SELECT of it is ErrNotJSON. Other errors are
// what AWS logs as a failed SQL statement.
func (q Query) Run(in *Input) (out Value, selected bool, err error) {
	if _, raw := in.Payload.(Raw); raw && !q.selectsAll() {
		return nil, false, ErrNotJSON
	}
	if q.where != nil && q.where.eval(in) != true {
		return nil, false, nil
	}
	switch {
	case q.value != nil:
		out = q.value.eval(in)
	case q.selectsAll():
		out = in.Payload
	default:
		out, err = q.object(in)
	}
	if _, array := out.(Array); array && in.Version < V2016 {
		err = fmt.Errorf("output is an array: that needs awsIotSqlVersion %s", V2016)
	}
	return out, err == nil, err
}

// selectsAll reports whether the items are one *.
func (q Query) selectsAll() bool {
	return len(q.items) == 1 && q.items[0].name == ""
}

func (q Query) object(in *Input) (Value, error) {
	out := &Object{}
	for _, item := range q.items {
		v := item.value.eval(in)
		if item.name != "" {
			out.set(item.name, v)
			continue
		}
		all, ok := v.(*Object)
		if !ok {
			return nil, fmt.Errorf("* beside other items: payload must be an object, got %s", Kind(v))
		}
		for _, name := range all.names {
			out.set(name, all.members[name])
		}
	}
	return out, nil
}
