package sample

import "regexp"

// MaxDeviceName is the most characters in a device's name.
const MaxDeviceName = 63

var deviceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// IsDeviceName reports whether a device may have this name: 1 to MaxDeviceName letters, digits, dots, underscores and hyphens,
// the first a letter or digit. It is a level of MQTT topics and part of metric names.
func IsDeviceName(name string) bool { return deviceName.MatchString(name) }
