package collect

import (
	"cmp"
	"context"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shirou/gopsutil/v3/common"
)

// identity says what machine this is, as far as everybody may read it.
type identity struct{ said bool }

// read says it once: it changes with a restart only.
func (i *identity) read(ctx context.Context, out *found) error {
	if i.said {
		return nil
	}
	out.say("model", cmp.Or(deviceTree(ctx, "model"), dmi(ctx, "product_name")))
	out.say("serial", deviceTree(ctx, "serial-number"))
	out.say("os", osName(ctx))
	out.say("kernel", attribute(trimmed(procPath(ctx, "sys/kernel/osrelease"))))
	out.say("agent", version())
	if out.attributes == nil {
		return ErrAbsent
	}
	i.said = true
	return nil
}

// deviceTree returns a text of the device tree's root. Docker hides the one in /sys.
func deviceTree(ctx context.Context, name string) string {
	return cmp.Or(attribute(trimmed(procPath(ctx, "device-tree/"+name))),
		attribute(trimmed(sysPath(ctx, "firmware/devicetree/base/"+name))))
}

// placeholders are what makers of PCs leave in the fields that should say what it is.
var placeholders = []string{
	"default string", "not applicable", "not specified", "none", "o.e.m.", "oem", "system product name",
	"to be filled by o.e.m.", "unknown",
}

// dmi returns what a PC's firmware says.
func dmi(ctx context.Context, name string) string {
	text := attribute(trimmed(sysPath(ctx, "class/dmi/id/"+name)))
	if slices.Contains(placeholders, strings.ToLower(text)) {
		return ""
	}
	return text
}

// osName returns the name of the operating system. In a container that reads the host's /proc, /etc is another
// system's, unless HOST_ETC says where the host's is.
func osName(ctx context.Context) string {
	dir := hostFolder(ctx, common.HostEtcEnvKey, "")
	if dir == "" && hostFolder(ctx, common.HostProcEnvKey, "") != "" {
		return ""
	}
	return attribute(parseOSRelease(trimmed(filepath.Join(cmp.Or(dir, "/etc"), "os-release"))))
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

// version returns the agent's version, as far as the toolchain knows it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "(devel)" {
		return ""
	}
	return info.Main.Version
}

// maxAttribute is the most bytes of an attribute.
const maxAttribute = 128

// attribute returns foreign text as one printable line, "" if it is none. The device tree ends its texts with a NUL.
func attribute(text string) string {
	text, _, _ = strings.Cut(text, "\x00")
	text = strings.Join(strings.Fields(text), " ")
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	for len(text) > maxAttribute {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
