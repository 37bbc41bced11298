// Command piway-agent reads this machine and reports to a Piway gateway.
package main

import (
	"runtime"
	"runtime/debug"
	"strings"

	"piway/agent/agent"
	"piway/agent/own"
	"piway/shared/cli"
)

// The agent lives beside what the machine is for, so it keeps small: a report makes some kilobytes of garbage,
// and collecting it at a quarter above what is in use instead of at double costs no measurable time.
const (
	garbagePercent = 25
	memoryGuard    = 32 << 20 // from here on the collector works harder
)

// atOnce is how many threads run Go at a time: what is to be done for a report takes a millisecond or two, and waking
// others for parts of it costs more than it saves. A system call that hangs is no such thread.
const atOnce = 1

func main() {
	runtime.GOMAXPROCS(atOnce)
	debug.SetGCPercent(garbagePercent)
	debug.SetMemoryLimit(memoryGuard)
	program().Main()
}

func program() cli.Program {
	return cli.Program{
		Name: "piway-agent", Description: "Reads this machine and reports to a Piway gateway.", Commands: &commands{},
		Vars: map[string]string{"folder": agent.DefaultFolder, "ttl": strings.TrimSuffix(own.DefaultTTL.String(), "0s")},
	}
}
