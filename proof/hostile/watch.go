package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"piway/localcore/localcore"
)

// A counter counts the bytes that pass.
type counter struct {
	to io.Writer
	n  atomic.Int64
}

func (c *counter) Write(text []byte) (int, error) {
	c.n.Add(int64(len(text)))
	return c.to.Write(text)
}

// datums are how many of hostile devices came to the cloud, by metric.
type datums map[string]int

func (d datums) add(r *localcore.Recorded) { d[fmt.Sprint(r.Name, "\x00", r.Unit, r.Dimensions)]++ }

func (d datums) sum() (n int) {
	for _, m := range d {
		n += m
	}
	return n
}

// A look is what a process takes.
type look struct {
	resident, peak int64 // bytes of memory; peak is since it started
	files          int   // descriptors
}

// lookAt reads what a process takes, nothing if it has ended (proc_pid_status(5)).
func lookAt(pid int) (l look) {
	proc := "/proc/" + strconv.Itoa(pid)
	text, _ := os.ReadFile(proc + "/status") // it may have ended
	for line := range bytes.Lines(text) {
		for name, to := range map[string]*int64{"VmRSS:": &l.resident, "VmHWM:": &l.peak} {
			if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
				kB, _ := strconv.ParseInt(string(bytes.Fields(rest)[0]), 10, 64) // the kernel wrote it
				*to = kB << 10
			}
		}
	}
	all, _ := os.ReadDir(proc + "/fd") // it may have ended
	l.files = len(all)
	return l
}

// enough is how much memory a gateway gets before its attack is ended: the bar does not hold, and this machine has to.
const enough = 1 << 30

// watch returns the most memory that the gateway had since it started, when ctx ends. It calls stop if it has enough,
// or has ended.
func (s *site) watch(ctx context.Context, stop func()) (peak int64) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		peak = max(peak, lookAt(s.gateway.PID()).peak)
		if peak > enough || !s.gateway.Running() {
			stop()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return peak
		}
	}
}
