// Package collect reads the machine. A broken, hanging or missing sensor never costs the others, and what a machine
// does not have is absent: never 0, never -1.
//
// It reads /proc, /sys and file system statistics only: no root, no other programs.
//
// # Traps in gopsutil, and their guards
//
// It returns nothing and a nil error for a file that it cannot read, it returns NaN, and its Used is not what free
// shows. A check stands beside each reading, and guarded lets only finite values pass.
package collect
