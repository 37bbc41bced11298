// Package kill kills the gateway under load, again and again, and counts every sample.
package kill
