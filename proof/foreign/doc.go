// Package foreign puts the gateway together with programs that nobody here wrote: Debian's mosquitto on either side.
package foreign
