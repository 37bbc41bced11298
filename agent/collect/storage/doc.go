// Package storage tells how the machine's disks fare: what they do, what has gone wrong on them, and how worn they are.
// Its one promise: a disk that takes another's name is not taken for it.
package storage
