// Package mounts tells how full the machine's file systems are. Its one promise: a figure is that of the file system
// whose name it has, or there is none.
//
// Where nothing is mounted, the kernel answers for the file system that the folder is on: an unplugged disk would have
// the root's figure. So each reading finds the mount that holds the path (table), and compares it with what should
// be there: what /etc/fstab and the mount units plan (planned), and where something was mounted before ([Known], on
// the disk because after a power cut nothing else may tell). It looks before and after asking for the figure. An agent
// may see other mounts than the machine has, in a service's sandbox or in a container (world): process 1 tells, or,
// where it is hidden from a service, what systemd's own mounts look like.
//
// Known limits: a disk that is mounted where a service has a folder over itself, such as its own, has no figure until
// the service is started again, nor has a mount that the machine keeps from following into namespaces, where process 1
// is hidden. A folder that is mounted into a container by itself, of a machine whose /proc is not to be seen, may be
// the folder on which a disk is missing. A disk that was pulled out and never unmounted is noticed by its device, which
// btrfs, LVM and RAID hide.
package mounts
