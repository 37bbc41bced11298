// Package resident keeps a program small that has started.
//
// Its promise: after Release the program goes on as before, with nothing in memory that only its start needed. The start
// goes through most of the program's file; the kernel keeps those pages in its cache while it has room, and maps again
// the third that the work needs.
package resident
