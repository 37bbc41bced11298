package arrows

// Piway returns the drawing of this module. Changing it is a change of the architecture: say why in the commit.
func Piway() Rules {
	return Rules{
		Module:        "piway",
		Inside:        inside,
		Libraries:     libraries,
		InsideTests:   []string{"shared/*", "shared/*/*"},
		TestLibraries: []string{"github.com/google/go-cmp"},
	}
}

// inside is the table of arrows: package on the left, what it may import on the right. No stage imports its neighbour:
// only the three wirings (gateway/gateway, agent/agent, localcore/localcore) know more than one.
var inside = map[string][]string{
	// The programs: flags and help.
	"agent":        {"agent/*", "shared/cli", "shared/config", "shared/mdns", "shared/pki", "shared/runas", "shared/sample", "shared/service"},
	"gateway":      {"gateway/gateway", "gateway/settings", "gateway/setup", "gateway/demo", "gateway/ctl", "gateway/where", "gateway/backup", "gateway/trial", "shared/cli", "shared/config", "shared/files", "shared/resident", "shared/runas", "shared/service"},
	"gateway_test": {"configs/aws", "gateway/backup", "gateway/datadir", "gateway/devices", "shared/cli/spoken", "shared/pairing", "shared/pki"}, // what its commands print
	"localcore":    {"localcore/localcore", "shared/cli", "shared/pki"},

	// The agent's stages, and their wiring.
	"agent/collect": {
		"agent/collect/host", "agent/collect/mounts", "agent/collect/network", "agent/collect/power",
		"agent/collect/reading", "agent/collect/storage", "agent/collect/systemd", "agent/collect/thermal",
		"shared/clock", "shared/sample", "shared/version",
	},
	"agent/collect_test": {"agent/collect/hosttest"},
	"agent/own":          {"shared/clock", "shared/config", "shared/files", "shared/sample", "shared/tell"},
	"agent/spool":        {"shared/files", "shared/sample"},
	"agent/publish":      {"shared/sample", "shared/mqttlink", "shared/backoff", "shared/clock"},
	"agent/agent":        {"agent/collect", "agent/find", "agent/own", "agent/spool", "agent/publish", "shared/*"},

	// Where the gateway is, and how the agent becomes one of its devices.
	"agent/find": {"shared/config", "shared/files", "shared/mqttlink", "shared/pki", "shared/tell"},
	"agent/join": {"agent/agent", "agent/find", "configs", "shared/*"},

	// What collecting stands on: the kernel's files, and waiting for them; what a reading gives; asking systemd. None knows
	// collect.
	"agent/collect/host":    {},
	"agent/collect/notify":  {},
	"agent/collect/reading": {"agent/collect/host", "shared/clock", "shared/sample"},
	"agent/collect/systemd": {},

	// What the readings are of.
	"agent/collect/mounts":       {"agent/collect/host", "agent/collect/reading", "shared/files"},
	"agent/collect/mounts_test":  {"agent/collect/hosttest"},
	"agent/collect/network":      {"agent/collect/host", "agent/collect/reading"},
	"agent/collect/network_test": {"agent/collect/hosttest"},
	"agent/collect/power":        {"agent/collect/host", "agent/collect/notify", "agent/collect/reading"},
	"agent/collect/power_test":   {"agent/collect/hosttest"},
	"agent/collect/storage":      {"agent/collect/host", "agent/collect/reading", "shared/clock"},
	"agent/collect/storage_test": {"agent/collect/hosttest"},
	"agent/collect/thermal":      {"agent/collect/host"},
	"agent/collect/thermal_test": {"agent/collect/hosttest", "agent/collect/reading"},

	// Machines of files, imported by tests only.
	"agent/collect/hosttest": {"agent/collect/reading"},

	// The gateway's stages, and their wiring.
	"gateway/broker": {"shared/guard", "shared/tell", "shared/config", "shared/sample"},
	"gateway/intake": {"gateway/names", "gateway/queue/ranges", "shared/sample"},
	"gateway/names":  {"shared/sample"}, // no stage: how a sample is named in the cloud
	"gateway/queue": {
		"gateway/pass", "gateway/queue/books", "gateway/queue/dating", "gateway/queue/disk", "gateway/queue/inbox",
		"gateway/queue/known", "gateway/queue/ledger", "gateway/queue/ranges", "gateway/queue/replace",
		"gateway/queue/episode", "gateway/queue/held", "gateway/queue/reports", "gateway/queue/shares", "gateway/queue/store",
		"gateway/queue/thin", "gateway/queue/wal",
		"shared/files", "shared/sample",
	},
	"gateway/forward": {"gateway/pass", "gateway/queue/ledger", "gateway/rollup", "gateway/encode", "shared/sample"},
	"gateway/rollup":  {"gateway/pass", "shared/sample"},
	"gateway/encode":  {"gateway/pass", "shared/sample"},
	"gateway/uplink":  {"shared/mqttlink", "shared/backoff", "shared/pki"},

	"gateway/uplink_test": {"localcore/broker"}, // two gateways of one client id

	"gateway/gateway":      {"gateway/*", "gateway/queue/ledger", "shared/*"},
	"gateway/gateway_test": {"*/*"}, // end to end
	"gateway/intake_test":  {"gateway/rollup"},
	"gateway/forward_test": {"gateway/intake", "gateway/names", "gateway/queue", "gateway/settings"},

	// What the gateway is told, and what it calls itself at AWS.
	"gateway/settings": {
		"gateway/cloud", "gateway/names", "gateway/rollup", "gateway/uplink", "configs", "shared/address",
		"shared/config", "shared/files", "shared/sample",
	},
	"gateway/cloud":      {"configs/aws"},
	"gateway/cloud_test": {"gateway/names"}, // by which a search must find them
	"gateway/datadir":    {"shared/config", "shared/files"},

	// What its commands do.
	"gateway/backup": {
		"gateway/control", "gateway/datadir", "gateway/devices", "gateway/settings", "configs", "shared/config",
		"shared/files", "shared/pki",
	},
	"gateway/ctl": {
		"gateway/control", "gateway/datadir", "gateway/devices", "gateway/feedback", "gateway/forward",
		"gateway/queue/ledger",
		"shared/clock", "shared/config", "shared/files", "shared/pki", "shared/prices", "shared/sample",
	},
	"gateway/setup": {
		"gateway/aws", "gateway/cloud", "gateway/datadir", "gateway/devices", "gateway/settings", "configs", "configs/aws",
		"shared/config", "shared/files", "shared/pki", "shared/prices",
	},
	"gateway/setup_test": {"gateway/gateway"}, // which says whether a set-up is complete
	"gateway/demo": {
		"gateway/gateway", "gateway/settings", "agent/agent", "agent/join", "localcore/localcore",
		"localcore/cloudwatch", "shared/config",
	},

	"gateway/trial": {
		"gateway/control", "gateway/settings", "gateway/where", "localcore/localcore", "shared/address", "shared/backoff",
		"shared/config", "shared/files", "shared/pki", "shared/service",
	},
	"gateway/trial_test": {"gateway/gateway"}, // which it is tried with

	// What the stages from the queue to the encoder say to each other, and the leaves that it stands on: a set of numbers,
	// and the accounts, which those read too who only look at the ledger.
	"gateway/pass":         {"gateway/queue/ledger", "gateway/queue/ranges", "shared/sample"},
	"gateway/queue/ledger": {},
	"gateway/queue/ranges": {},

	// The rooms beneath the queue: what opens its file and knows SQLite, and on it what each table is for; then what
	// keeps the file sound. None knows the queue.
	"gateway/queue/store":   {"shared/files"},
	"gateway/queue/inbox":   {},
	"gateway/queue/known":   {"gateway/queue/store", "shared/sample"},
	"gateway/queue/reports": {"gateway/queue/store", "gateway/pass", "shared/sample"},
	"gateway/queue/seen":    {"gateway/queue/store", "gateway/queue/ranges"},
	"gateway/queue/books":   {"gateway/queue/store", "gateway/queue/ledger", "gateway/queue/ranges", "gateway/queue/seen"},
	"gateway/queue/dating": {
		"gateway/queue/store", "gateway/queue/reports", "gateway/queue/seen", "gateway/pass", "shared/sample",
	},
	"gateway/queue/episode": {},
	"gateway/queue/held":    {"gateway/pass"},
	"gateway/queue/shares":  {"gateway/queue/store", "gateway/queue/reports"},
	"gateway/queue/thin":    {"gateway/queue/store", "gateway/queue/reports", "gateway/pass"},
	"gateway/queue/wal":     {"gateway/queue/store"},
	"gateway/queue/disk":    {"gateway/queue/store", "gateway/queue/replace", "gateway/queue/wal"},
	"gateway/queue/replace": {"gateway/queue/store", "gateway/queue/books", "gateway/queue/salvage", "shared/files"},
	"gateway/queue/salvage": {"gateway/pass", "gateway/queue/ledger", "gateway/queue/ranges", "shared/sample"},

	// Beside the way of the data.
	"gateway/feedback": {"shared/mqttlink", "shared/backoff", "shared/config", "shared/tell"},
	"gateway/devices":  {"shared/config", "shared/files", "shared/pairing", "shared/pki", "shared/sample"},
	"gateway/control":  {"shared/config", "shared/files"},
	"gateway/twins":    {"shared/sample"},
	"gateway/aws":      {"gateway/cloud", "shared/config"},
	"gateway/join":     {"shared/pairing", "shared/pki", "shared/tell"},
	"gateway/where":    {"shared/address"},

	// The proofs: programs that start the others as processes, and spoil what these stand on. Nothing imports them.
	"proof/world": {
		"gateway/control", "gateway/datadir", "gateway/devices", "gateway/queue/ledger",
		"localcore/localcore", "shared/*",
	},
	"proof/kill":           {},
	"proof/kill_test":      {"proof/world", "gateway/queue/ledger", "localcore/localcore"},
	"proof/bench":          {},
	"proof/bench_test":     {"proof/world"},
	"proof/footprint":      {},
	"proof/footprint_test": {"proof/world", "localcore/localcore", "shared/*"},
	"proof/day":            {},
	"proof/day_test": {
		"gateway/cloud", "gateway/devices", "gateway/encode", "gateway/forward", "gateway/intake", "gateway/queue",
		"gateway/queue/lyingdb", "gateway/rollup", "gateway/settings", "gateway/uplink", "localcore/localcore",
		"proof/world", "shared/*",
	},
	"proof/owner":      {},
	"proof/owner_test": {"proof/world", "localcore/localcore"},
	"proof/foreign":    {},
	"proof/foreign_test": {
		"proof/world", "gateway/cloud", "gateway/control", "gateway/datadir", "gateway/demo", "gateway/gateway",
		"gateway/queue/ledger", "gateway/settings", "gateway/setup", "agent/agent", "localcore/cloudwatch",
		"localcore/localcore",
	},
	"proof/scenarios":      {},
	"proof/scenarios_test": {"proof/world"},
	"proof/formats":        {},
	"proof/formats_test":   {"agent/agent", "agent/spool", "gateway/backup", "gateway/devices", "gateway/queue", "gateway/settings"}, // what reads a file
	"proof/faultfs":        {},
	"proof/pages":          {"proof/world", "shared/cli"},
	"proof/mutants":        {"shared/cli"},
	"proof/chaos":          {"proof/world", "proof/faultfs", "gateway/queue/ledger", "localcore/localcore", "shared/*"},
	"proof/hostile":        {"proof/world", "gateway/queue/ledger", "localcore/localcore", "shared/*"},
	"proof/outage":         {"proof/world", "localcore/broker", "localcore/cloudwatch", "localcore/localcore", "shared/*"},
	"proof/powercut": {
		"proof/powercut/vm", "proof/world", "gateway/queue/ledger", "localcore/localcore",
		"shared/*",
	},
	"proof/powercut/vm": {"proof/world", "shared/config"},

	// The local stand-in for AWS, and its wiring.
	"localcore/bill":           {"shared/prices"},
	"localcore/broker":         {"localcore/sql", "shared/guard", "shared/tell"},
	"localcore/rules":          {"localcore/sql", "localcore/strict"},
	"localcore/sql":            {},
	"localcore/policy":         {"localcore/strict"},
	"localcore/strict":         {},
	"localcore/page":           {},
	"localcore/cloudwatch":     {"shared/sample"},
	"localcore/localcore":      {"localcore/*", "shared/config", "shared/pki", "shared/prices", "configs/aws"},
	"localcore/localcore_test": {"localcore/*"},

	// What several programs share: leaves, or one step above a leaf.
	"shared/address":  {},
	"shared/arrows":   {},
	"shared/backoff":  {},
	"shared/resident": {},
	"shared/cli":      {"shared/config", "shared/manual", "shared/version"},
	"shared/clock":    {},
	"shared/config":   {},
	"shared/files":    {},
	"shared/guard":    {"shared/tell"},
	"shared/manual":   {}, // what kong knows is put into its words by cli
	"shared/mdns":     {},
	"shared/mqttlink": {"shared/address", "shared/backoff", "shared/mdns"},
	"shared/pairing":  {"shared/address", "shared/config", "shared/pki"},
	"shared/pki":      {"shared/config", "shared/files"},
	"shared/prices":   {"shared/config"}, // its table is YAML
	"shared/race":     {},
	"shared/runas":    {"shared/cli"},
	"shared/service":  {"shared/backoff", "shared/config"},
	"shared/sample":   {"shared/sample/advice", "shared/sample/datum", "shared/sample/scan"},
	"shared/tell":     {},
	"shared/testlog":  {},
	"shared/version":  {},

	// The rooms beneath a sample: what is said of one that is refused, what CloudWatch takes, and how a text is read. None
	// knows the sample.
	"shared/sample/advice": {"shared/sample/datum", "shared/sample/scan"},
	"shared/sample/datum":  {},
	"shared/sample/scan":   {},

	// A broker, a disk and what a store is held to, imported by tests only.
	"shared/cli/spoken":          {},
	"shared/mqttlink/fakebroker": {},
	"shared/files/lying":         {"shared/files"},
	"gateway/queue/lyingdb":      {"shared/files/lying"},
	"gateway/queue/storetest":    {"gateway/pass", "gateway/queue", "gateway/queue/ledger", "shared/sample"},
	"gateway/queue_test":         {"gateway/queue/lyingdb", "gateway/queue/storetest"},

	"configs":     {},
	"configs/aws": {},
	// what AWS gets is what localcore loads and the gateway prints
	"configs/aws_test": {"localcore/rules", "localcore/policy", "gateway/cloud"},
}

// libraries says where each third-party library is imported: in one package, with few exceptions.
// The gateway's benchmark measures it against the bare broker library.
var libraries = map[string][]string{
	"github.com/alecthomas/kong":          {"shared/cli"},
	"github.com/coreos/go-systemd/v22":    {"gateway/gateway"},
	"github.com/eclipse/paho.mqtt.golang": {"shared/mqttlink"},
	"github.com/go-json-experiment/json":  {"shared/sample", "shared/sample/scan"},
	// the test reads CloudFormation's short tags
	"github.com/goccy/go-yaml":        {"shared/config", "configs/aws_test"},
	"github.com/godbus/dbus/v5":       {"agent/collect/systemd"},
	"github.com/hanwen/go-fuse/v2":    {"proof/faultfs"},
	"github.com/mochi-mqtt/server/v2": {"gateway/broker", "localcore/broker", "proof/bench_test"},
	"github.com/rogpeppe/go-internal": {"proof/scenarios_test"},
	"github.com/shirou/gopsutil/v3": {
		"agent/collect", "agent/collect/host", "agent/collect/hosttest", "agent/collect/mounts",
	},
	"golang.org/x/net/dns":        {"shared/mdns"},
	"golang.org/x/sync/errgroup":  {"..."},
	"golang.org/x/sync/semaphore": {"gateway/broker"},
	"golang.org/x/sys": {
		"agent/collect", "agent/collect/host", "agent/collect/mounts", "agent/collect/notify", "shared/clock", "gateway",
		"shared/mdns",
	},
	"golang.org/x/time/rate": {"gateway/uplink", "localcore/broker", "shared/mdns"},
	"modernc.org/libc":       {"gateway/queue/lyingdb"}, // SQLite is C made Go: so are those it calls
	"modernc.org/sqlite":     {"gateway/queue/store", "gateway/queue/lyingdb"},
}
