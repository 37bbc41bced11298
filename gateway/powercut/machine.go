package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"piway/gateway/rig"
)

const (
	guestAddr = "10.0.2.15"
	// hostAddr is this machine's loopback, as QEMU's network shows it to the other.
	hostAddr  = "10.0.2.2"
	mqttPort  = 1883
	shellPort = 2000
	guestUp   = "powercut: the machine is up"

	// diskBytes are one block group, so that nothing of the file system's own lies in the middle.
	diskBytes = 128 << 20
	// bootTime is for a start of the machine without hardware support, on a busy host.
	bootTime = 2 * time.Minute
	// shellTime bounds one command.
	shellTime = time.Minute
	// programTime is for a program of ours to be ready in there.
	programTime = 2 * time.Minute
)

// A machine is a virtual one with a disk that loses what was not flushed when the power is cut.
type machine struct {
	qemu  *rig.Process
	disk  *disk
	nbd   *diskServer
	data  span   // where files lie, behind the file system's own
	mqtt  string // leads to the gateway in there
	shell string
}

// buildMachine makes image and disk in a folder; boot starts it. What is in the folder seed is then on the disk, and the
// programs are in /bin.
func buildMachine(ctx context.Context, dir, seed string, t tools, programs map[string]string, log io.Writer) (m *machine, err error) {
	m = &machine{}
	ports, err := freePorts(ctx, 2)
	if err != nil {
		return nil, err
	}
	m.mqtt, m.shell = ports[0], ports[1]
	initramfs, image, socket := filepath.Join(dir, "initramfs"), filepath.Join(dir, "disk"), filepath.Join(dir, "disk.sock")
	if err := t.makeInitramfs(initramfs, programs); err != nil {
		return nil, err
	}
	if m.data, err = t.makeDisk(ctx, image, seed); err != nil {
		return nil, err
	}
	if m.disk, err = openDisk(image); err != nil {
		return nil, err
	}
	if m.nbd, err = serveDisk(socket, m.disk, log); err != nil {
		m.disk.close()
		return nil, err
	}
	m.qemu = &rig.Process{Path: t.qemu, Ready: guestUp, Log: log, Args: []string{
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
		"-machine", "pc", "-accel", "kvm", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "512",
		"-kernel", t.kernel, "-initrd", initramfs,
		"-append", "console=ttyS0 loglevel=4 panic=-1 random.trust_cpu=on mitigations=off nokaslr",
		"-blockdev", "driver=nbd,node-name=disk,server.type=unix,server.path=" + socket,
		"-device", "virtio-blk-pci,drive=disk,write-cache=on",
		"-netdev", fmt.Sprintf("user,id=net,hostfwd=tcp:%s-:%d,hostfwd=tcp:%s-:%d", m.mqtt, mqttPort, m.shell, shellPort),
		"-device", "virtio-net-pci,netdev=net,romfile=",
	}}
	return m, nil
}

// makeInitramfs writes the first file system.
func (t tools) makeInitramfs(path string, programs map[string]string) error {
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
	init := fmt.Sprintf(initScript, strings.Join(names, " "), guestAddr, hostAddr, shellPort, guestUp)
	entries = append(entries, entry{"init", 0o755, []byte(init)})
	inside := map[string]string{"busybox": t.busybox}
	for name, program := range programs {
		inside[name] = program
	}
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
func (t tools) makeDisk(ctx context.Context, path, seed string) (data span, err error) {
	f, err := os.Create(path)
	if err != nil {
		return data, err
	}
	if err := errors.Join(f.Truncate(diskBytes), f.Close()); err != nil {
		return data, err
	}
	if _, err := command(ctx, ".", t.mkfs, "-q", "-b", fmt.Sprint(blockBytes), "-m", "0", "-E", "packed_meta_blocks=1,lazy_itable_init=0,lazy_journal_init=0",
		"-J", "size=8", "-d", seed, path); err != nil {
		return data, err
	}
	about, err := command(ctx, ".", t.dumpe2fs, path)
	if err != nil {
		return data, err
	}
	first, err := firstFree(about)
	return span{first * blockBytes, diskBytes}, err
}

const blockBytes = 4096

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

// boot returns when the machine is up.
func (m *machine) boot(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	if err := m.qemu.Start(ctx); err != nil {
		return fmt.Errorf("booting: %w", err)
	}
	return nil
}

// cut ends the machine as a power cut does. What the disk had not flushed is gone in part; it returns how many sectors.
func (m *machine) cut(chance *rand.Rand) (lost int, err error) {
	m.qemu.Kill()
	return m.disk.cut(chance)
}

func (m *machine) close() {
	m.qemu.Kill()
	m.nbd.close()
	m.disk.close()
}

// run has the machine's shell do something, and returns what it says.
func (m *machine) run(ctx context.Context, script string) (string, error) {
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
	switch {
	case !ok:
		return text, fmt.Errorf("the machine's shell did not answer: %w: %s", errors.Join(err, ctx.Err()), text)
	case strings.TrimSpace(code) != "0":
		return text, fmt.Errorf("in the machine: code %s: %s", strings.TrimSpace(code), text)
	}
	return text, nil
}

// launch runs a program in the machine until the power is cut, again a second after it ended.
func (m *machine) launch(ctx context.Context, line string) error {
	_, err := m.run(ctx, fmt.Sprintf("(while :; do %s; sleep 1; done) >/dev/console 2>&1 </dev/null &", line))
	return err
}

// ready returns when what runs in the machine has said so.
func (m *machine) ready(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, programTime)
	defer cancel()
	return m.qemu.Await(ctx, text, 1)
}

// freePorts returns addresses on the loopback that nobody listens on.
func freePorts(ctx context.Context, n int) (addrs []string, err error) {
	var lc net.ListenConfig
	for range n {
		l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // nothing was accepted
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}
