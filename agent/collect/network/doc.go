// Package network tells what the machine's network interfaces carry, and how well they hear. Its one promise: no byte is
// counted twice, and an interface that takes another's name is not taken for it.
package network
