package gateway

import (
	"errors"
	"testing"

	"piway/gateway/cloud"
	"piway/gateway/queue"
)

// A name that another device is just claiming refuses nobody until that is on disk, and never if it fails.
func TestGateway_handle_claims(t *testing.T) {
	t.Parallel()
	cfg := worldConfig(cloud.Metric)
	w := newWorld(t, nil, nil, &cfg)
	p := w.gateway(&cfg, "kitchen", "cellar")
	handle := func(device, name string) error {
		done := make(chan error, 1)
		p.handle(device, []byte(`{"name":"`+name+`","unit":"None","value":1}`), func(err error) { done <- err })
		return <-done
	}
	first := p.intake.Judge("kitchen", []byte(`{"name":"cpu","unit":"None","value":1}`), p.now())
	if err := handle("cellar", "cpu"); !errors.Is(err, errUndecided) {
		t.Errorf("while the claim is on its way: got %v, want no answer", err)
	}
	p.intake.Failed(&first)
	if err := handle("cellar", "cpu"); err != nil {
		t.Errorf("after it failed: %v", err)
	}
	p.stop()
	if err := handle("kitchen", "memory"); !errors.Is(err, queue.ErrClosed) {
		t.Errorf("after the end: got %v", err)
	}
	if v := p.intake.Judge("cellar", []byte(`{"name":"memory","unit":"None","value":1}`), p.now()); len(v.Claims) != 1 {
		t.Errorf("a claim that was not kept binds another device: %+v", v.Refused)
	}
}
