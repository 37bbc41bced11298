package sql

import "time"

// An Input is one message as a rule's SQL and templates see it. Payload comes from ParsePayload with the same version,
// or is Raw or Undefined.
type Input struct {
	Version         Version
	Topic, ClientID string // the topic as published, with a Basic Ingest prefix
	Time            time.Time
	Payload         Value
}

// An expr is an expression that was parsed. Evaluating one cannot fail: what makes no sense is Undefined.
type expr interface{ eval(in *Input) Value }

type literal struct{ value Value }

func (l literal) eval(*Input) Value { return l.value }

// star is the whole payload.
type star struct{}

func (star) eval(in *Input) Value { return in.Payload }

// An attribute is a path from the payload's root.
type attribute []string

func (a attribute) eval(in *Input) Value { return lookup(in.Payload, a) }

// A member is a path from another value.
type member struct {
	of   expr
	path []string
}

func (m member) eval(in *Input) Value { return lookup(m.of.eval(in), m.path) }

func lookup(v Value, path []string) Value {
	for _, name := range path {
		o, ok := v.(*Object)
		if !ok {
			return Undefined{}
		}
		v = o.Get(name)
	}
	return v
}

type arrayOf []expr

func (a arrayOf) eval(in *Input) Value { return Array(evalAll(in, a)) }

type call struct {
	f    func(in *Input, args []Value) Value
	args []expr
}

func (c call) eval(in *Input) Value { return c.f(in, evalAll(in, c.args)) }

func evalAll(in *Input, list []expr) []Value {
	values := make([]Value, len(list))
	for i, x := range list {
		values[i] = x.eval(in)
	}
	return values
}
