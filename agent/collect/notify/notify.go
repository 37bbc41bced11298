// Package notify waits for a file's content to change. Its one promise: whoever waits is asleep until the kernel says
// that there is something to read, and is never woken more than 100 times a second.
//
// # What wakes it
//
// Files of sysfs and procfs tell by poll(2), with POLLPRI and POLLERR (Documentation/filesystems/sysfs.rst). Go's
// poller does not ask for the first, but the second comes unasked. All others, such as a tree in a test or in a
// container, are watched by inotify(7), the file and its folder: it may be written, or be replaced. Nothing is looked
// at by the clock, and a goroutine waits, no thread: one that blocks keeps Go's own watching thread busy for 10 ms each
// time. What changes without telling, as on a network file system, is not seen.
//
// # Traps, and their guards
//
// An attribute of sysfs is armed again only by a read through the descriptor that is waited for. A read fails once its
// device is gone, and then nothing more is told. What Go's poller has seen is forgotten at the begin of waiting, so a
// file is read while waiting has begun. Writing a file with a shell's > empties it first, so that there may be nothing
// to read; then it tells once more.
package notify
