package collect

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shirou/gopsutil/v3/common"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
	"piway/shared/version"
)

// identity says what machine this is, as far as everybody may read it.
type identity struct{ said bool }

// read says it once: it changes with a restart only.
func (i *identity) read(ctx context.Context, out *reading.Found) error {
	if i.said {
		return nil
	}
	out.Say("model", cmp.Or(deviceTree(ctx, "model"), dmi(ctx, "product_name")))
	out.Say("serial", deviceTree(ctx, "serial-number"))
	out.Say("os", osName(ctx))
	out.Say("kernel", reading.Attribute(host.Trimmed(host.Proc(ctx, "sys/kernel/osrelease"))))
	out.Say("agent", version.Number)
	if out.Attributes == nil {
		return host.ErrAbsent
	}
	i.said = true
	return nil
}

// deviceTree returns a text of the device tree's root. Docker hides the one in /sys.
func deviceTree(ctx context.Context, name string) string {
	return cmp.Or(reading.Attribute(host.Trimmed(host.Proc(ctx, "device-tree/"+name))),
		reading.Attribute(host.Trimmed(host.Sys(ctx, "firmware/devicetree/base/"+name))))
}

// placeholders are what makers of PCs leave in the fields that should say what it is.
var placeholders = []string{
	"default string", "not applicable", "not specified", "none", "o.e.m.", "oem", "system product name",
	"to be filled by o.e.m.", "unknown",
}

// dmi returns what a PC's firmware says.
func dmi(ctx context.Context, name string) string {
	text := reading.Attribute(host.Trimmed(host.Sys(ctx, "class/dmi/id/"+name)))
	if slices.Contains(placeholders, strings.ToLower(text)) {
		return ""
	}
	return text
}

// osName returns the name of the operating system. In a container that reads the host's /proc, /etc is another
// system's, unless HOST_ETC says where the host's is.
func osName(ctx context.Context) string {
	dir := host.Folder(ctx, common.HostEtcEnvKey, "")
	if dir == "" && host.Folder(ctx, common.HostProcEnvKey, "") != "" {
		return ""
	}
	return reading.Attribute(parseOSRelease(host.Trimmed(filepath.Join(cmp.Or(dir, "/etc"), "os-release"))))
}

// parseOSRelease returns PRETTY_NAME of os-release(5).
func parseOSRelease(text string) string {
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"'`)
		}
	}
	return ""
}
