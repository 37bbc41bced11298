package configs_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// hidden is what a setting with one of the values makes the agent read. No values are any but no, false, 0, off and
// nothing.
type hidden struct {
	values []string
	reads  string
}

// hiding are the settings of systemd.exec(5) and systemd.resource-control(5) that put something else in the place of
// what the agent reads.
var hiding = map[string]hidden{
	"ProtectHome": {
		[]string{"yes", "true", "1", "on", "tmpfs"},
		"/home, /root and /run/user are an empty tmpfs: its usage, not the disk's",
	},
	"PrivateTmp":           {nil, "/tmp and /var/tmp are others: a disk mounted below them is not there"},
	"ProcSubset":           {[]string{"pid"}, "/proc/stat, /proc/meminfo, /proc/uptime are not there: CPU, memory, time"},
	"ProtectClock":         {nil, "adjtimex(2) is forbidden: whether the clock is synchronised"},
	"ProtectControlGroups": {[]string{"private", "strict"}, "/sys/fs/cgroup shows the unit's own group only"},
	"MountFlags":           {[]string{"private"}, "a disk mounted later is not seen, one unmounted later is"},
	"MountAPIVFS":          {nil, "/proc, /sys and /dev are new ones"},
	"RootDirectory":        {nil, "another root"},
	"RootImage":            {nil, "another root"},
	"RootEphemeral":        {nil, "another root"},
	"TemporaryFileSystem":  {nil, "a tmpfs instead of what is there"},
	"BindPaths":            {nil, "another folder instead of what is there"},
	"BindReadOnlyPaths":    {nil, "another folder instead of what is there"},
	"InaccessiblePaths":    {nil, "an empty folder instead of what is there"},
	"MountImages":          {nil, "an image instead of what is there"},
	"ExtensionImages":      {nil, "an image on top of what is there"},
	"ExtensionDirectories": {nil, "folders on top of what is there"},
	"DynamicUser":          {nil, "it brings PrivateTmp=yes"},
	"PrivateNetwork":       {nil, "its own /proc/net: no interface's traffic, no Wi-Fi signal, and no gateway"},
	"NetworkNamespacePath": {nil, "the /proc/net of others"},
	"JoinsNamespaceOf":     {nil, "the /tmp, network or IPC of another unit"},
	"PrivatePIDs":          {nil, "its own /proc: no process 1 of the machine's"},
	"PrivateUsers":         {nil, "files of all owners but two are nobody's"},
	"UtsNamespacePath":     {nil, "another host name, and so another device name"},
	"Environment":          {nil, "HOST_PROC and the like would have it read another machine"},
	"EnvironmentFile":      {nil, "HOST_PROC and the like would have it read another machine"},
}

// harmless are the settings that were looked at, and change nothing that is read.
var harmless = []string{
	"ExecStart", "Restart", "RestartSec", "RestartPreventExitStatus", "TimeoutStopSec", "Type", "WatchdogSec", "User", "Group", "SupplementaryGroups",
	"UMask", "Nice", "NoNewPrivileges", "AmbientCapabilities", "LockPersonality", "MemoryDenyWriteExecute",
	"RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "SystemCallArchitectures", "SystemCallErrorNumber",
	"CapabilityBoundingSet", // anybody can read all that is read
	"RemoveIPC",             // what System V's IPC the user left behind: none
	"ProtectHostname",       // the host's name is read at the start only
	// What follows is made right by agent/collect/mounts; .ci/units-check compares. A path that is hidden has no figure.
	"PrivateMounts",        // a namespace, as most of these make one: it follows the machine's
	"PrivateDevices",       // /dev is a small tmpfs, of which no figure is told; disks are not read by their devices
	"ProtectKernelModules", // /usr/lib/modules is hidden, and so has no figure
	"ProtectProc",          // other processes, of which none is read: without process 1 the own mounts tell enough
	// Mounts of the same file systems.
	"StateDirectory", "StateDirectoryMode", "RuntimeDirectory", "RuntimeDirectoryMode", "RuntimeDirectoryPreserve",
	"ReadWritePaths",
	"ProtectSystem",           // mounts read ro: whether a file system is read-only stands in its super block's options
	"ProtectKernelTunables",   // /sys and parts of /proc are read-only, and poll(2) notifies all the same
	"ProtectKernelLogs",       // /dev/kmsg, which is not read
	"DevicePolicy",            // no device can be opened: sensors are read in /sys
	"RestrictAddressFamilies", // of which TestAgentUnit_has_its_sockets knows
	"SystemCallFilter",        // of which TestAgentUnit_changes_no_figure knows the groups
}

// service returns the settings of a unit's section [Service], in order, with all values of each.
func service(t *testing.T, file string) (names []string, values map[string][]string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	values = map[string][]string{}
	section := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "["):
			section = line
		case ok && section == "[Service]" && !strings.ContainsAny(line[:1], "#;"):
			names = append(names, name)
			values[name] = append(values[name], value)
		}
	}
	return names, values
}

// hides says what a setting makes the agent read, "" if nothing else than without it.
func hides(name, value string) string {
	h := hiding[name]
	off := slices.Contains([]string{"no", "false", "0", "off", ""}, value)
	if slices.Contains(h.values, value) || h.values == nil && !off {
		return h.reads
	}
	return ""
}

func TestAgentUnit_changes_no_figure(t *testing.T) {
	t.Parallel()
	names, values := service(t, "systemd/piway-agent.service")
	if len(names) == 0 {
		t.Fatal("no settings found")
	}
	for _, name := range names {
		for _, value := range values[name] {
			if reads := hides(name, value); reads != "" {
				t.Errorf("%s=%s: %s", name, value, reads)
			}
		}
		if _, judged := hiding[name]; !judged && !slices.Contains(harmless, name) {
			t.Errorf("%s: find out whether it changes what the agent reads, and add it to a table here", name)
		}
	}
	// Who is right about the clock, adjtimex(2) tells. It is of @clock, which is of @privileged, so it is allowed last.
	want := []string{"@system-service", "~@privileged @resources", "adjtimex"}
	if got := values["SystemCallFilter"]; !slices.Equal(got, want) {
		t.Errorf("SystemCallFilter: got %q, want %q: another may forbid what the agent reads with", got, want)
	}
}

// The gateway asks for the clock too, and reads who gives a command, the boot's id and the machine's name.
func TestGatewayUnit_works(t *testing.T) {
	t.Parallel()
	_, values := service(t, "systemd/piway-gateway.service")
	for _, name := range []string{"ProtectClock", "ProcSubset", "PrivateUsers", "ProtectHostname", "PrivateNetwork"} {
		if got := values[name]; got != nil {
			t.Errorf("%s: got %q, want none", name, got)
		}
	}
	if got := values["SystemCallFilter"]; len(got) == 0 || got[len(got)-1] != "adjtimex" {
		t.Errorf("SystemCallFilter: got %q, want adjtimex allowed after all else", got)
	}
}

// .ci/units-check sees that what is so rated works.
func TestUnits_exposure(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze here")
	}
	if help, err := exec.Command(tool, "--help").Output(); err != nil || !strings.Contains(string(help), "--threshold") {
		t.Skip("systemd-analyze is older than version 250")
	}
	for _, unit := range []string{"agent", "gateway", "try"} {
		file := "systemd/piway-" + unit + ".service"
		out, err := exec.Command(tool, "security", "--offline=true", "--threshold=20", "--no-pager", file).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v, want at most 2.0\n%s", file, err, out)
		}
	}
}

// Neither program owns a file of the other's. The group piway is for who hands the agent readings.
func TestUnits_users(t *testing.T) {
	t.Parallel()
	for unit, want := range map[string][2]string{
		"agent": {"piway-agent", "piway"}, "gateway": {"piway-gateway", "piway-gateway"},
		"try": {"piway-gateway", "piway-gateway"},
	} {
		_, values := service(t, "systemd/piway-"+unit+".service")
		if user, group := values["User"], values["Group"]; !slices.Equal(append(user, group...), want[:]) {
			t.Errorf("%s: got %q and %q, want %q", unit, user, group, want)
		}
	}
}

// A program that waits for a person is not started again and again; one that fails is.
func TestUnits_waitForWhoSetsUp(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"agent", "gateway", "try"} {
		_, values := service(t, "systemd/piway-"+unit+".service")
		if prevents, restart := values["RestartPreventExitStatus"], values["Restart"]; !slices.Equal(prevents, []string{"78"}) ||
			!slices.Equal(restart, []string{"always"}) {
			t.Errorf("%s: got RestartPreventExitStatus=%q, Restart=%q, want 78 and always", unit, prevents, restart)
		}
	}
}

// Whoever takes AF_NETLINK away takes the names of interfaces away, as in fe80::1%eth0; AF_UNIX is D-Bus.
func TestAgentUnit_has_its_sockets(t *testing.T) {
	t.Parallel()
	_, values := service(t, "systemd/piway-agent.service")
	got := strings.Fields(strings.Join(values["RestrictAddressFamilies"], " "))
	slices.Sort(got)
	if want := []string{"AF_INET", "AF_INET6", "AF_NETLINK", "AF_UNIX"}; !slices.Equal(got, want) {
		t.Errorf("RestrictAddressFamilies: got %q, want %q", got, want)
	}
}

// What is left out for the figures' sake is made up for.
func TestAgentUnit_is_hardened(t *testing.T) {
	t.Parallel()
	_, values := service(t, "systemd/piway-agent.service")
	for name, want := range map[string]string{
		"NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "ProtectSystem": "strict",
		"ProtectHome": "read-only", "ProtectKernelTunables": "yes", "ProtectControlGroups": "yes",
		"RestrictNamespaces": "yes", "MemoryDenyWriteExecute": "yes", "StateDirectoryMode": "0700",
		"ProtectProc": "invisible", "PrivateDevices": "yes", "ProtectKernelModules": "yes",
	} {
		if got := values[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestHides(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]bool{
		"ProtectHome=yes": true, "ProtectHome=tmpfs": true, "ProtectHome=read-only": false, "ProtectHome=no": false,
		"PrivateTmp=yes": true, "PrivateTmp=disconnected": true, "PrivateTmp=no": false, "PrivateDevices=true": false,
		"ProtectClock=yes": true, "ProcSubset=pid": true, "ProcSubset=all": false, "MountFlags=slave": false,
		"MountFlags=private": true, "InaccessiblePaths=/home": true, "ProtectControlGroups=yes": false, "Nice=5": false,
	} {
		name, value, _ := strings.Cut(setting, "=")
		if got := hides(name, value) != ""; got != want {
			t.Errorf("%s: got %v, want %v", setting, got, want)
		}
	}
}
