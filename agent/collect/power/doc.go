// Package power counts when a Raspberry Pi's supply or cooling falls short. Its one promise: each episode between two
// readings is counted once, and nothing wakes the agent but a change of the two files that tell of it.
package power
