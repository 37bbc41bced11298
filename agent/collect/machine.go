package collect

import (
	"context"
	"math"
	"strconv"
	"strings"

	"piway/agent/collect/host"
	"piway/shared/clock"
	"piway/shared/sample"
)

// Machine returns a report that has only what helps to date it: boot, uptime and clock. What cannot be read is empty.
func Machine(ctx context.Context) sample.Report {
	return sample.Report{
		Boot:   bootID(readProc(ctx, "sys/kernel/random/boot_id")),
		Uptime: uptime(readProc(ctx, "uptime")),
		Clock:  clockState(),
	}
}

// readProc returns a file below /proc, "" if it cannot be read.
func readProc(ctx context.Context, name string) string {
	text, err := host.ReadHead(host.Proc(ctx, name))
	if err != nil {
		return ""
	}
	return text
}

// bootID returns the id in text if it looks like one.
func bootID(text string) string {
	id := strings.TrimSpace(text)
	if len(id) > 64 || strings.Trim(strings.ToLower(id), "0123456789abcdef-") != "" {
		return ""
	}
	return id
}

// uptime returns the first number in text, 0 if it is none.
func uptime(text string) float64 {
	first, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	v, err := strconv.ParseFloat(first, 64)
	if err != nil || v < 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	return v
}

// clockState is what a report says of the kernel's clock.
func clockState() string {
	return map[clock.State]string{clock.Synced: sample.Synced, clock.Unsynced: sample.Unsynced}[clock.Read()]
}
