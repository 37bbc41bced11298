// Package bench measures what the gateway takes and what it costs, beside the broker library alone.
package bench
