// Package vm runs a virtual machine whose power can be cut. Its one promise: after a cut, what its disk had flushed is
// there, and what was only in the machine's memory is not; of what was in the disk's cache chance decides.
//
// The machine is QEMU's, with a Debian kernel, a busybox and the programs that are tried, and ext4 on a disk that this
// process serves. It uses hardware support where there is some, and works without.
package vm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"piway/proof/world"
)

// HostAddr is the loopback of the host, as the machine sees it, and MQTTPort the port in the machine to which
// Machine.MQTT leads.
const (
	HostAddr = "10.0.2.2"
	MQTTPort = 1883
)

const (
	guestAddr = "10.0.2.15"
	shellPort = 2000
	guestUp   = "powercut: the machine is up"

	// diskBytes are one block group, so that nothing of the file system's own lies in the middle.
	diskBytes  = 128 << 20
	blockBytes = 4096

	// bootTime is for a start of the machine without hardware support, on a busy host.
	bootTime = 3 * time.Minute
	// shellTime bounds one command.
	shellTime = 90 * time.Second
	// programTime is for a program to be ready in there.
	programTime = 2 * time.Minute
)

// A Machine is a virtual one. One goroutine boots and cuts it; the rest is safe for concurrent use.
type Machine struct {
	// MQTT is the address on the host that leads to MQTTPort in the machine.
	MQTT string
	// Files is the part of the disk where files lie. Before it are the file system's own blocks, its journal among
	// them.
	Files Span

	qemu  *world.Process
	disk  *disk
	nbd   *diskServer
	shell string
}

// Build makes image and disk in a folder; Boot starts it. What is in the folder seed is then in /data, which is the
// disk, and the programs, files by the names that they are to have, are in /bin. They must need no C library. Log gets
// what kernel and programs say.
func (t Tools) Build(ctx context.Context, dir, seed string, programs map[string]string, log io.Writer) (m *Machine,
	err error,
) {
	m = &Machine{}
	ports, err := world.FreePorts(ctx, 2)
	if err != nil {
		return nil, err
	}
	m.MQTT, m.shell = ports[0], ports[1]
	initramfs, image, socket := filepath.Join(dir, "initramfs"), filepath.Join(dir, "disk"),
		filepath.Join(dir, "disk.sock")
	if err := t.makeInitramfs(initramfs, programs); err != nil {
		return nil, err
	}
	if m.Files, err = t.makeDisk(ctx, image, seed); err != nil {
		return nil, err
	}
	if m.disk, err = openDisk(image); err != nil {
		return nil, err
	}
	if m.nbd, err = serveDisk(socket, m.disk, log); err != nil {
		m.disk.close()
		return nil, err
	}
	m.qemu = &world.Process{Path: t.qemu, Ready: guestUp, Log: log, Args: []string{
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
		// Without arch-capabilities: setting their register aborts QEMU where this machine is a virtual one itself.
		"-machine", "pc,accel=" + accelerator(), "-cpu", "max,-arch-capabilities", "-smp", "1", "-m", "512",
		"-kernel", t.kernel, "-initrd", initramfs,
		"-append", "console=ttyS0 loglevel=4 panic=-1 random.trust_cpu=on mitigations=off nokaslr no_timer_check",
		"-blockdev", "driver=nbd,node-name=disk,server.type=unix,server.path=" + socket,
		"-device", "virtio-blk-pci,drive=disk,write-cache=on",
		"-netdev", fmt.Sprintf("user,id=net,hostfwd=tcp:%s-:%d,hostfwd=tcp:%s-:%d", m.MQTT, MQTTPort, m.shell, shellPort),
		"-device", "virtio-net-pci,netdev=net,romfile=",
	}}
	return m, nil
}

// accelerator is the hardware's support if this user may have it.
func accelerator() string {
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return "tcg"
	}
	_ = f.Close() // it was only tried
	return "kvm"
}

// makeInitramfs writes the first file system.
func (t Tools) makeInitramfs(path string, programs map[string]string) error {
	modules, err := findModules(t.modules, wanted)
	if err != nil {
		return err
	}
	var names []string
	entries := []entry{{name: "bin", mode: os.ModeDir | 0o755}, {name: "modules", mode: os.ModeDir | 0o755}}
	for _, m := range modules {
		names = append(names, m.name)
		entries = append(entries, entry{"modules/" + m.name + ".ko", m.mode, m.data})
	}
	init := fmt.Sprintf(initScript, strings.Join(names, " "), guestAddr, HostAddr, shellPort, guestUp)
	entries = append(entries, entry{"init", 0o755, []byte(init)})
	inside := map[string]string{"busybox": t.busybox}
	maps.Copy(inside, programs)
	for name, program := range inside {
		text, err := os.ReadFile(program)
		if err != nil {
			return err
		}
		entries = append(entries, entry{"bin/" + name, 0o755, text})
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f)
	return errors.Join(writeInitramfs(out, entries), out.Flush(), f.Close())
}

// makeDisk makes an ext4 file system whose own blocks and journal are at its beginning, and returns where files begin.
func (t Tools) makeDisk(ctx context.Context, path, seed string) (data Span, err error) {
	f, err := os.Create(path)
	if err != nil {
		return data, err
	}
	if err := errors.Join(f.Truncate(diskBytes), f.Close()); err != nil {
		return data, err
	}
	if _, err := command(ctx, ".", t.mkfs, "-q", "-b", fmt.Sprint(blockBytes), "-m", "0", "-E",
		"packed_meta_blocks=1,lazy_itable_init=0,lazy_journal_init=0",
		"-J", "size=8", "-d", seed, path); err != nil {
		return data, err
	}
	about, err := command(ctx, ".", t.dumpe2fs, path)
	if err != nil {
		return data, err
	}
	first, err := firstFree(about)
	return Span{first * blockBytes, diskBytes}, err
}

// firstFree is the first block that dumpe2fs calls free: before it are the file system's own blocks and the journal.
func firstFree(about string) (block int64, err error) {
	_, groups, _ := strings.Cut(about, "\nGroup 0:")
	for line := range strings.Lines(groups) {
		if list, ok := strings.CutPrefix(strings.TrimSpace(line), "Free blocks: "); ok && list != "" {
			_, err := fmt.Sscanf(list, "%d", &block)
			return block, err
		}
	}
	return 0, errors.New("dumpe2fs names no free block")
}

// Boot returns when the machine is up.
func (m *Machine) Boot(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	if err := m.qemu.Start(ctx); err != nil {
		return fmt.Errorf("booting: %w", err)
	}
	return nil
}

// Cut ends the machine as a power cut does. Of what the disk had not flushed some sectors are gone: it returns how
// many.
func (m *Machine) Cut(chance *rand.Rand) (lost int, err error) {
	m.qemu.Kill()
	return m.disk.cut(chance)
}

// Fail lets writes to parts of the disk fail until Heal: the machine gets EIO, and nothing of such a write is on the
// disk.
func (m *Machine) Fail(spans []Span) { m.disk.fail(spans) }

// Failures is how many writes failed since Fail.
func (m *Machine) Failures() int { return m.disk.failures() }

// Heal lets writes succeed again, and returns how many failed.
func (m *Machine) Heal() int { return m.disk.heal() }

// Close ends the machine; it cannot be booted again.
func (m *Machine) Close() {
	m.qemu.Kill()
	m.nbd.close()
	m.disk.close()
}

// Run has the machine's shell do something, and returns what it says. The error is also that the last command failed.
func (m *Machine) Run(ctx context.Context, script string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, shellTime)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", m.shell)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }() // all was read
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := fmt.Fprintf(c, "%s\necho powercut-rc=$?\nexit\n", script); err != nil {
		return "", err
	}
	out, err := io.ReadAll(c)
	text, code, ok := strings.Cut(string(out), "powercut-rc=")
	end := text[max(0, len(text)-300):]
	switch {
	case !ok:
		return text, fmt.Errorf("the machine's shell did not answer: %w: %s", errors.Join(err, context.Cause(ctx)), end)
	case strings.TrimSpace(code) != "0":
		return text, fmt.Errorf("in the machine: code %s: %s", strings.TrimSpace(code), end)
	}
	return text, nil
}

// Launch runs a program in the machine until the power is cut, again a second after it ended. What it says is in the
// log.
func (m *Machine) Launch(ctx context.Context, line string) error {
	_, err := m.Run(ctx, fmt.Sprintf("(while :; do %s; sleep 1; done) >/dev/console 2>&1 </dev/null &", line))
	return err
}

// Ready returns when a line of the log since the last Boot holds the text.
func (m *Machine) Ready(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, programTime)
	defer cancel()
	return m.qemu.Await(ctx, text, 1)
}

// Said is how many lines of the log since the last Boot hold the text.
func (m *Machine) Said(text string) int {
	return m.qemu.Count(text)
}

// Where asks the machine on which parts of the disk files or folders lie just now. One that is not there lies nowhere.
func (m *Machine) Where(ctx context.Context, paths ...string) (spans []Span, err error) {
	out, err := m.Run(ctx, helper+" "+extentsFlag+" "+strings.Join(paths, " "+extentsFlag+" "))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(out), &spans); err != nil {
		return nil, fmt.Errorf("reading where %s lie: %w: %s", paths, err, out)
	}
	return spans, nil
}
