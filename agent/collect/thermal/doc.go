// Package thermal finds the CPU's temperature. Its one promise: what it tells is that of the CPU, in °C, and nothing else
// is asked.
package thermal
