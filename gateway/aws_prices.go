package main

import "time"

// A fleet is what the price of a form depends on.
type fleet struct {
	form             string
	devices, metrics int
	window           time.Duration
}

// A priceOf says what a fleet costs a month in USD: in all, and after what AWS gives every account for nothing.
type priceOf func(fleet) (total, afterFree float64)

// priceList is nil where no price list is built in; then the choice of a form is shown without.
func priceList() priceOf { return nil }
