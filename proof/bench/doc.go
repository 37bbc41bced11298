// Package bench measures what the gateway takes and what it costs, beside the broker library alone: make bench.
//
// # Measured
//
// The gateway and the library (with a hook that acknowledges and forgets) run in turns, with the load on the same
// machine. A report holds four samples and is acknowledged when it is on disk. On two cores of a virtual machine with
// a fast disk:
//
//	connections   in flight each   reports/s   of the library alone   CPU a report
//	        100                1      25,000           0.27                 36 µs
//	        100               16      76,000           0.50                 21 µs
//	      1,000                1      39,000       0.46 to 0.56             40 µs
//	      1,000               16      49,000           0.33                 32 µs
//
// TLS beside that, each pair in one run, on a machine that was half as fast (two runs, 16 reports in flight each):
//
//	connections   reports/s by TLS   of plain       CPU a report
//	        100   42,000 to 45,000   0.91 to 1.05   32 to 35 µs
//	      1,000   26,000             0.82 to 0.84   66 to 72 µs
//
// On a machine with other work it was 0.81 and 0.51: the load's own TLS takes as much as the gateway's.
//
// At 100 connections with one report in flight all wait for the disk's commit at once: that is latency, not load.
// 2,000 Pis that report every 15 s are 133 reports a second. The agent takes 14.6 MB by TLS, most of them pages of its
// program file.
//
// Resident memory of the gateway in MiB after a minute of 133 reports a second, after three seconds of as many as can
// be, and half a minute later (BenchmarkFleet). Half of what it takes with 50 devices are pages of its program file:
//
//	connections   plain              by TLS
//	         50   28 / 30 / 29       29 / 31 / 31
//	        500   44 / 50 / 47       51 / 58 / 49
//	      1,000   62 / 69 / 61       76 / 88 / 73
package bench
