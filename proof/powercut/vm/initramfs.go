package vm

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// An entry is a file of an initramfs: a folder if it has no data and no link.
type entry struct {
	name string // without a leading slash
	mode fs.FileMode
	data []byte
}

// writeInitramfs writes the files as a cpio archive in the kernel's form, "newc". Folders come before what is in them.
func writeInitramfs(out io.Writer, entries []entry) error {
	for i, e := range append(entries, entry{name: "TRAILER!!!"}) {
		mode := uint32(e.mode.Perm())
		switch {
		case e.mode.IsDir():
			mode |= 0o040000
		case e.mode != 0:
			mode |= 0o100000
		}
		var head bytes.Buffer
		head.WriteString("070701")
		for _, field := range []uint32{
			uint32(i + 1), mode, 0, 0, 1, 0, uint32(len(e.data)), 0, 0, 0, 0, uint32(len(e.name) + 1), 0, //nolint:gosec // files fit into memory
		} {
			_, _ = fmt.Fprintf(&head, "%08X", field) // to memory
		}
		head.WriteString(e.name)
		head.WriteByte(0)
		if _, err := out.Write(padded(head.Bytes())); err != nil {
			return err
		}
		if _, err := out.Write(padded(e.data)); err != nil {
			return err
		}
	}
	return nil
}

// padded fills up to four bytes.
func padded(b []byte) []byte {
	return append(slices.Clip(b), make([]byte, (4-len(b)%4)%4)...)
}

// initScript is what the machine does at its start: modules, network, disk, and then a shell for whoever connects.
const initScript = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /sys /dev /data /tmp
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
for m in %[1]s; do insmod /modules/$m.ko || echo "powercut: no module $m"; done
ip link set lo up
ip link set eth0 up
ip addr add %[2]s/24 dev eth0
ip route add default via %[3]s
mount -t ext4 -o errors=remount-ro /dev/vda /data || echo "powercut: the disk cannot be mounted"
nc -ll -p %[4]d -e /bin/sh &
until grep -q "$(printf ':%%04X 0' %[4]d)" /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done
echo "%[5]s"
while :; do sleep 3600; done
`
