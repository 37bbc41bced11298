// Package host reads the files of the machine's kernel. Its one promise: what is not there, or has no value, is
// [ErrAbsent] and never 0, and no file is read without end.
//
// A container may show the host's /proc, /sys, /etc, /run and / elsewhere: then HOST_PROC, HOST_SYS, HOST_ETC, HOST_RUN
// and HOST_ROOT say where, to the library gopsutil as well. A context may say it too, for one reading.
package host
