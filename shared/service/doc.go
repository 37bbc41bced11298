// Package service has systemd run what a command has set up. Its one promise: it touches a unit only where this process is
// root, systemd runs this machine, and the unit runs the very configuration file that the command is about; it shows each
// command before it is run, and never runs a program itself, as whatever user.
//
// systemctl is a foreign program. Of what it prints only the properties of `systemctl show` are read, which are meant for
// programs (systemctl(1)).
package service
