// Package rig runs the programs as real processes, for proofs that kill them, and cuts the lines between them.
package rig

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopTime is what a program gets to end on SIGTERM before it is killed.
const stopTime = 10 * time.Second

// A Process is a program that is started, killed and started again. One goroutine uses it.
type Process struct {
	Path  string
	Args  []string
	Env   []string  // beside this process's own
	Dir   string    // where it works, "" for where this process does
	Ready string    // a line of its log holds this when it serves
	Log   io.Writer // gets its log

	cmd     *exec.Cmd
	ended   chan struct{}
	written int64 // by those that were killed

	mu      sync.Mutex // guards the fields below
	lines   []string   // of its log, since the last start
	changed chan struct{}
}

// Start returns when the program says that it is ready.
func (p *Process) Start(ctx context.Context) error {
	p.cmd = exec.Command(p.Path, p.Args...) //nolint:gosec,noctx // the operator's own programs; killed by kill
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting %s: %w", p.Path, err)
	}
	p.cmd.Dir, p.cmd.Stderr = p.Dir, p.cmd.Stdout
	p.cmd.Env = append(os.Environ(), p.Env...)
	// Should this program die, the other goes with it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.mu.Lock()
	p.lines, p.changed = nil, make(chan struct{})
	p.mu.Unlock()
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.Path, err)
	}
	p.ended = make(chan struct{})
	go p.read(out, p.ended)
	return p.Await(ctx, p.Ready, 1)
}

// maxLines bounds what is kept of a log.
const maxLines = 10_000

func (p *Process) read(out io.Reader, ended chan struct{}) {
	defer close(ended)
	for s := bufio.NewScanner(out); s.Scan(); {
		_, _ = fmt.Fprintln(p.Log, s.Text()) // for who looks on
		p.mu.Lock()
		if len(p.lines) < maxLines {
			p.lines = append(p.lines, s.Text())
		}
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, out) // behind a line that is too long
}

// Count is how many lines of the log hold the text.
func (p *Process) Count(text string) (n int, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n, p.changed
}

// Line is the first line of the log that holds the text, "" if there is none.
func (p *Process) Line(text string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.lines {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

// PID is that of the running program.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Await returns when n lines of the log hold the text.
func (p *Process) Await(ctx context.Context, text string, n int) error {
	for {
		have, changed := p.Count(text)
		if have >= n {
			return nil
		}
		select {
		case <-changed:
		case <-p.ended:
			return fmt.Errorf("%s ended before its log said %q: %s", p.Path, text, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("waiting for %q in the log of %s: %w: %s", text, p.Path, ctx.Err(), p.tail())
		}
	}
}

// tail is the end of the log.
func (p *Process) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines[max(0, len(p.lines)-5):], "\n")
}

// Running reports whether the program has been started and has not ended.
func (p *Process) Running() bool {
	if p.ended == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Signal sends a signal to the running program.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Kill ends the program as a power cut would, seen from the program.
func (p *Process) Kill() {
	if p.ended == nil {
		return
	}
	p.written += writeBytes(p.cmd.Process.Pid)
	_ = p.cmd.Process.Kill() // it may have ended
	p.wait()
}

// Stop ends the program in order, if it does that in time.
func (p *Process) Stop() {
	if p.ended == nil {
		return
	}
	p.written += writeBytes(p.cmd.Process.Pid)
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	timer := time.AfterFunc(stopTime, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	p.wait()
}

func (p *Process) wait() {
	<-p.ended
	_ = p.cmd.Wait() // how it ended is known
	p.ended = nil
}

// Written is what the program and those that were killed before it had written to disk.
func (p *Process) Written() int64 {
	if !p.Running() {
		return p.written
	}
	return p.written + writeBytes(p.cmd.Process.Pid)
}

// writeBytes is what a process caused to be written to the storage, 0 if it is gone (proc_pid_io(5)).
func writeBytes(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/io")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if number, ok := bytes.CutPrefix(line, []byte("write_bytes: ")); ok {
			n, _ := strconv.ParseInt(string(bytes.TrimSpace(number)), 10, 64) // the kernel wrote it
			return n
		}
	}
	return 0
}

// LookTool finds a program that may not be on the PATH of everybody; "" if there is none.
func LookTool(name string) string {
	for _, path := range []string{name, "/usr/sbin/" + name} {
		found, err := exec.LookPath(path)
		if err == nil || errors.Is(err, exec.ErrDot) {
			return found
		}
	}
	return ""
}
