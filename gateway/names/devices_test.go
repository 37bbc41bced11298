package names_test

import (
	"slices"
	"strings"
	"testing"

	"piway/gateway/names"
	"piway/shared/sample"
)

// known are the devices a, a.b and kitchen.
func known(name string) []string {
	if slices.Contains([]string{"a", "a.b", "kitchen"}, name) {
		return []string{name}
	}
	return nil
}

func TestNames_Devices(t *testing.T) {
	for _, tt := range []struct {
		template, site, full string
		want                 []string
	}{
		{template, "", "cpu (kitchen)", []string{"kitchen"}},
		{template, "", "cpu (cellar)", nil},
		{template, "", "cpu(kitchen)", nil},
		{template, "", " (kitchen)", nil},
		{template, "Home", "home/cpu (kitchen)", []string{"kitchen"}},
		{template, "Home", "cpu (kitchen)", nil},
		{"{device}.{name}", "", "a.b.cpu", []string{"a", "a.b"}},
		{"{device}.{name}", "", "a.b", []string{"a"}},
		{"{device}.{name}", "", "a.", nil},
		{"PI {device}/{name}", "", "pi kitchen/cpu", []string{"kitchen"}},
		{"{device}{name}", "", "kitchens", []string{"kitchen"}},
		{"{name}-{device} ", "", "cpu-a.b", []string{"a.b"}},
		{"{device}/{name}/{device}", "", "a/cpu/a", []string{"a"}},
		{"{device}/{name}/{device}", "", "a/cpu/kitchen", nil},
		{"{name}", "", "kitchen", nil},
		{"{name}", "kitchen", "kitchen/kitchen", nil},
	} {
		if got := names.New(tt.template, tt.site).Devices(tt.full, known); !slices.Equal(got, tt.want) {
			t.Errorf("%q, site %q: of %q: got %v, want %v", tt.template, tt.site, tt.full, got, tt.want)
		}
	}
	if got := (names.Names{}).Devices("kitchen", known); got != nil {
		t.Errorf("the zero value: got %v", got)
	}
}

// FuzzNames_Devices: what the template yields for a device is found to be its own.
func FuzzNames_Devices(f *testing.F) {
	for _, tmpl := range []string{
		template, "{device}.{name}", "{site}{name}{device}{site}", "{device}{name}{device}",
		"{name}-{device} ", "PI {device}: {name}",
	} {
		f.Add(tmpl, "Home", "cpu", "Kitchen")
		f.Add(tmpl, "", "a.b-c", "a.b")
	}
	f.Fuzz(func(t *testing.T, template, site, name, device string) {
		if !strings.Contains(template, "{device}") || !sample.IsDeviceName(device) || sample.CheckName(template) != nil {
			return
		}
		n, lower := names.New(template, site), strings.ToLower(device)
		full := n.Report(name, device)
		if name != strings.TrimSpace(name) || sample.CheckName(name) != nil || sample.CheckName(full) != nil ||
			!n.IsReport(full, device) {
			return
		}
		got := n.Devices(strings.ToLower(strings.TrimSpace(full)), func(name string) []string {
			if name == lower {
				return []string{device}
			}
			return nil
		})
		if !slices.Contains(got, device) {
			t.Errorf("template %q, site %q: %q is not of %q", template, site, full, device)
		}
	})
}
