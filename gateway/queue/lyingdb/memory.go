package lyingdb

import (
	"unsafe"

	"modernc.org/libc"
)

// SQLite is C that was made Go: its pointers are numbers, also those of functions.

// at returns what lies at an address outside of Go's memory.
func at[T any](p uintptr) *T {
	return *(**T)(unsafe.Pointer(&p)) //nolint:gosec // the memory is SQLite's, it does not move
}

// copied returns the address of a copy of what lies at p; 0 without memory.
func copied[T any](tls *libc.TLS, p uintptr) uintptr {
	to := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*at[T](p))))
	if to != 0 {
		*at[T](to) = *at[T](p)
	}
	return to
}

// pointer returns the number of a function, which must not be a closure: nothing else keeps that.
func pointer[F any](f F) uintptr {
	return *(*uintptr)(unsafe.Pointer(&f)) //nolint:gosec // it is how SQLite calls functions
}

// function returns the function of a number.
func function[F any](p uintptr) F {
	return *(*F)(unsafe.Pointer(&p)) //nolint:gosec // it is how SQLite calls functions
}
