// Package footprint measures what the programs take of a machine: size, memory, CPU, wake-ups and bytes written. make
// footprint prints the figures of docs/footprint.md; the test holds those that no machine changes.
//
// Its one promise: a figure is of the real program as a process of its own, over TLS, as the kernel counts it
// (/proc/PID/status, io and task/*/schedstat), and what is compared was measured in one run.
package footprint
