package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"piway/shared/sample"
)

// What devices give up and hand on is so after a crash, done once or twice; samples and accounts stay in the old name,
// and what is sent again under the new one is recognised.
func namesMove(t *testing.T, b *Bench) {
	ctx := t.Context()
	for _, device := range []string{"kitchen", "attic"} {
		e := Report(device, "r", 1, "of "+device)
		e.Claims = []string{"of " + device, "more of " + device}
		for _, name := range append([]string{"x (" + device + ")"}, e.Claims...) {
			e.Uses = append(e.Uses, sample.Sample{Name: name, Unit: "Count", Value: 2.5, Time: 1.8e9})
		}
		b.MustAppend(e)
	}
	for range 2 {
		if err := errors.Join(b.Rename(ctx, "kitchen", "pantry"), b.Free(ctx, "pantry", "more of kitchen"),
			b.Forget(ctx, "attic")); err != nil {
			t.Fatal(err)
		}
		b.Crash()
	}
	got, err := b.Owners(ctx)
	if err != nil || !maps.Equal(got, map[string]string{"of kitchen": "pantry"}) {
		t.Errorf("owners: got %v, %v", got, err)
	}
	var metrics []string
	err = b.Metrics(ctx, func(device string, s sample.Sample) { metrics = append(metrics, fmt.Sprint(device, s)) })
	want := fmt.Sprint("pantry", sample.Sample{Name: "of kitchen", Unit: "Count", Value: 2.5, Time: 1.8e9})
	if err != nil || !slices.Equal(metrics, []string{want}) {
		t.Errorf("metrics: got %v, %v, want %v", metrics, err, want)
	}
	b.MustAppend(Report("pantry", "r", 1, "of kitchen"))
	b.MustAppend(Report("pantry", "r", 2, "of kitchen"))
	b.Crash()
	by := b.Accounts()
	if k, p := by["kitchen"], by["pantry"]; k.Waiting != 1 || p.Waiting != 1 || p.Duplicate != 1 || p.Late != 0 {
		t.Errorf("accounts: got %+v and %+v", k, p)
	}
}
