// Package owner runs commands as root and as the service's user, in every order, and looks whose the files are.
package owner
