package world

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"piway/shared/testlog"
)

// stopTime is what a program gets to end on SIGTERM before it is killed.
const stopTime = 10 * time.Second

// A Process is a program that is started, killed and started again. One goroutine uses it; Count may be called
// meanwhile.
type Process struct {
	Path  string
	Args  []string
	Env   []string  // beside this process's own
	Dir   string    // where it works, "" for where this process does
	Ready string    // a line of its log holds this when it serves
	Log   io.Writer // gets its log; nil for nobody
	User  uint32    // and group; 0 for those of this process

	cmd     *exec.Cmd
	said    testlog.Log   // since the last start
	ended   chan struct{} // nil while the program is not to run
	err     error         // how the last one ended
	written int64         // by those that were killed
}

// Gateway is a gateway with this configuration file, which does not run yet.
func Gateway(program, config string, log io.Writer) *Process {
	return &Process{Path: program, Args: []string{"run", "--config", config}, Ready: "gateway ready", Log: log}
}

// Localcore is a localcore at these addresses, which does not run yet. What CloudWatch takes is in its record.
func Localcore(program, mqtt, http, certs, record string, log io.Writer) *Process {
	args := []string{"run", "--listen", mqtt, "--http", http, "--certs", certs, "--record", record}
	return &Process{Path: program, Args: args, Ready: "msg=serving", Log: log}
}

// Start returns when the program says that it is ready.
func (p *Process) Start(ctx context.Context) error {
	p.cmd = exec.Command(p.Path, p.Args...) //nolint:gosec,noctx // the operator's own programs; ended by Kill and Stop
	p.said.Reset()
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting %s: %w", p.Path, err)
	}
	p.cmd.Dir, p.cmd.Stderr = p.Dir, p.cmd.Stdout
	p.cmd.Env = append(os.Environ(), p.Env...)
	// Should this program die, the other goes with it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if p.User != 0 {
		p.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: p.User, Gid: p.User}
	}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.Path, err)
	}
	ended := make(chan struct{})
	p.ended = ended
	go func() {
		p.read(out)
		p.err = p.cmd.Wait()
		close(ended)
	}()
	return p.Await(ctx, p.Ready, 1)
}

// read takes the log, line by line, to its end.
func (p *Process) read(out io.Reader) {
	for r := bufio.NewReader(out); ; {
		line, err := r.ReadString('\n')
		if p.Log != nil {
			_, _ = io.WriteString(p.Log, line) // for who looks on
		}
		_, _ = io.WriteString(&p.said, line) // behind it: what was awaited is in the log
		if err != nil {
			return
		}
	}
}

// Count is how many lines of the log since the last start hold the text.
func (p *Process) Count(text string) int { return p.said.Count(text) }

// Line is the first line of the log since the last start that holds the text, "" if there is none.
func (p *Process) Line(text string) string {
	if found := p.said.With(text); len(found) > 0 {
		return found[0]
	}
	return ""
}

// Await returns when n lines of the log since the last start hold the text.
func (p *Process) Await(ctx context.Context, text string, n int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := p.ended
	go func() {
		select {
		case <-ended:
			cancel(errors.New("it has ended"))
		case <-ctx.Done():
		}
	}()
	if _, err := p.said.Await(ctx, n, text); err != nil {
		return fmt.Errorf("%s: %w: %v", p.Path, context.Cause(ctx), err) //nolint:errorlint // who waited has not given up
	}
	return nil
}

var listening, listeningTLS = regexp.MustCompile(`listen=(\S+)`), regexp.MustCompile(`listen_tls=(\S+)`)

// Addr is where a gateway that runs says it listens for devices that know no TLS, "" if it does not.
func (p *Process) Addr() string { return p.atStart(listening) }

// AddrTLS is where it says that it speaks TLS.
func (p *Process) AddrTLS() string { return p.atStart(listeningTLS) }

// atStart is what the line of its start says.
func (p *Process) atStart(what *regexp.Regexp) string {
	if m := what.FindStringSubmatch(p.Line(p.Ready)); m != nil {
		return m[1]
	}
	return ""
}

// PID is that of the running program.
func (p *Process) PID() int { return p.cmd.Process.Pid }

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
func (p *Process) Kill() { _ = p.end(syscall.SIGKILL) } // it was killed

// Stop ends the program in order, if it does that in time. The error is how it ended; nil too if it did not run.
func (p *Process) Stop() error { return p.end(syscall.SIGTERM) }

func (p *Process) end(s os.Signal) error {
	if p.ended == nil {
		return nil
	}
	p.written += writeBytes(p.PID())
	_ = p.Signal(s) // it may have ended
	timer := time.AfterFunc(stopTime, func() { _ = p.Signal(syscall.SIGKILL) })
	defer timer.Stop()
	<-p.ended
	p.ended = nil
	return p.err
}

// Written is what the program and those that ran before it had written to disk, in bytes.
func (p *Process) Written() int64 {
	if !p.Running() {
		return p.written
	}
	return p.written + writeBytes(p.PID())
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
