// Package datum is what CloudWatch takes in one: its 27 units, the range of its values, and how a value is written.
package datum
