package uplink_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"piway/shared/mqttlink/fakebroker"
	"piway/shared/testlog"
)

// A policy of an earlier version allows only its topic. The uplink goes there when it is told that a rule answers, and
// not before; when the policy is renewed it comes back by itself. Nothing is lost on the way, and nothing parked.
func TestUplink_formerTopic(t *testing.T) {
	const former = "$aws/rules/r/gw"
	b := fakebroker.New(t, nil)
	var allowed atomic.Value
	allowed.Store(former)
	b.Puback = func(p fakebroker.Publish) bool {
		ok := p.Topic == allowed.Load()
		if !ok {
			b.Drop()
		}
		return ok
	}
	src := newSource(40)
	cfg := settings(b)
	cfg.Former, cfg.Window = former, 4
	said := new(testlog.Log)
	cfg.Log = errorsOf(said)
	u, stop := run(t, cfg, src)
	if line := said.Next(t); !strings.Contains(line, "aws setup again") || !strings.Contains(line, "topic/"+cfg.Topic) {
		t.Errorf("got %s, want to be told what to do", line)
	}
	for len(b.Publishes) > 0 {
		if p := <-b.Publishes; p.Topic != cfg.Topic {
			t.Fatalf("got a publish on %s, want all on %s: nobody has said that a rule takes what goes there", p.Topic,
				cfg.Topic)
		}
	}
	u.UseFormer(true)
	for n := 0; n < 10; { // behind the examination, and in the middle of the rest
		if p := <-b.Publishes; p.Topic == former {
			n++
		}
	}
	allowed.Store(cfg.Topic)
	await(t, src.all, "all to be durable")
	stop()
	if src.parked != 0 || said.Left() > 0 {
		t.Errorf("got %d parked and said %d more, want neither", src.parked, said.Left())
	}
}
