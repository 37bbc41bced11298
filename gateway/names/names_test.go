package names_test

import (
	"testing"

	"piway/gateway/names"
	"piway/shared/sample"
)

const template = "{name} ({device})" // the configuration's default

func TestNames_Report(t *testing.T) {
	for _, tt := range []struct{ template, site, name, want string }{
		{template, "", "cpu", "cpu (kitchen)"},
		{template, "home", "cpu", "home/cpu (kitchen)"},
		{"{device}.{name}", "", "cpu", "kitchen.cpu"},
		{"{name} ({device}@{site})", "home", "cpu", "cpu (kitchen@home)"},
		{"{device}/{name}/{device}", "home", "cpu", "home/kitchen/cpu/kitchen"},
		{template, "", "{device} {site} {name}", "{device} {site} {name} (kitchen)"},
		{template, "{device}", "cpu", "{device}/cpu (kitchen)"},
		{"x", "", "cpu", "xcpu"},
	} {
		if got := names.New(tt.template, tt.site).Report(tt.name, "kitchen"); got != tt.want {
			t.Errorf("%q, site %q: got %q, want %q", tt.template, tt.site, got, tt.want)
		}
	}
}

func TestNames_Script(t *testing.T) {
	for site, want := range map[string]string{"": "cpu (kitchen)", "home": "home/cpu (kitchen)"} {
		if got := names.New("{name}-{device}", site).Script("cpu (kitchen)"); got != want {
			t.Errorf("site %q: got %q, want %q", site, got, want)
		}
	}
}

func TestNames_Base(t *testing.T) {
	for _, tt := range []struct{ template, site, full, want string }{
		{template, "", "cpu (kitchen)", "cpu"},
		{template, "", "cpu (kitchen) (kitchen)", "cpu (kitchen)"},
		{template, "", "cpu (hall)", "cpu (hall)"},
		{template, "", "cpu(kitchen)", "cpu(kitchen)"},
		{template, "", "cpu", "cpu"},
		{template, "home", "home/cpu (kitchen)", "cpu"},
		{template, "home", "home/cpu", "cpu"},
		{template, "home", "home/home/cpu", "home/cpu"},
		{template, "home", "cpu (kitchen)", "cpu"}, // stored before the site was set
		{template, "home", "homes/cpu", "homes/cpu"},
		{"{device}.{name}", "", "kitchen.cpu", "cpu"},
		{"{device}.{name}", "", "cpu (kitchen)", "cpu"},
		{"{device}.{name}", "home", "home/cpu (kitchen)", "cpu"},
		{"{name}@{site} ({device})", "home", "home/fan (kitchen)", "fan"},
		// Nothing that CloudWatch takes for a name would be left.
		{template, "", " (kitchen)", " (kitchen)"},
		{template, "", "  (kitchen)", "  (kitchen)"},
		{template, "home", "home/ (kitchen)", "home/ (kitchen)"},
		{template, "home", "home/", "home/"},
		{"{device}{name}", "", "kitchen:x", "kitchen:x"},
		// The parts of the template overlap.
		{"{device}{name}{device}", "", "kitchen", "kitchen"},
		{"{device} {name} {device}", "", "kitchen kitchen", "kitchen kitchen"},
	} {
		if got := names.New(tt.template, tt.site).Base(tt.full, "kitchen"); got != tt.want {
			t.Errorf("%q, site %q: base of %q: got %q, want %q", tt.template, tt.site, tt.full, got, tt.want)
		}
	}
}

func TestNames_zeroValue(t *testing.T) {
	var n names.Names
	if r, s, b := n.Report("cpu", "pi"), n.Script("cpu"), n.Base("cpu", "pi"); r != "cpu" || s != "cpu" || b != "cpu" {
		t.Errorf("got %q, %q, %q, want cpu unchanged", r, s, b)
	}
}

// FuzzNames: Base takes off what Report put on, whatever the parts hold, and never makes a name that is none.
func FuzzNames(f *testing.F) {
	for _, tmpl := range []string{
		template, "{device}.{name}", "{site}{name}{device}{site}", "{name}",
		"{device}{name}{name}", "", "{{device}{site}}", "{name",
	} {
		for _, site := range []string{"", "home", "{device}", "{site}", "{name}", "("} {
			f.Add(tmpl, site, "cpu usage", "kitchen")
			f.Add(tmpl, site, "{name} ({device})", "{name}")
			f.Add(tmpl, site, "kitchen (kitchen)", "kitchen")
		}
	}
	f.Fuzz(func(t *testing.T, template, site, name, device string) {
		n := names.New(template, site)
		if sample.CheckName(name) != nil {
			if got := n.Base(name, device); got == "" && name != "" {
				t.Errorf("template %q, site %q: no base of %q", template, site, name)
			}
			return
		}
		if full := n.Report(name, device); n.Base(full, device) != name {
			t.Errorf("template %q, site %q, device %q: base of %q is %q, want %q", template, site, device, full,
				n.Base(full, device), name)
		}
		if full := n.Script(name); n.Base(full, device) == "" {
			t.Errorf("template %q, site %q, device %q: no base of %q", template, site, device, full)
		}
	})
}
