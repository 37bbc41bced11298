// Package reading is what one reading of a sensor gives. Its one promise: what is in a [Found] can be sent, and what
// cannot is left out, counted and told.
//
// A sensor is a [Source]: a function that adds values and attributes to what was found. Beside it stands what many
// sources need: how much the kernel's counters have grown ([Tally]), and doing what may hang ([Attempt]).
package reading
