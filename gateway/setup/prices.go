package setup

import (
	"time"

	"piway/shared/prices"
)

// A fleet is what the price of a form depends on.
type fleet struct {
	form             string
	devices, metrics int
	window           time.Duration
}

// A priceOf says what a fleet costs a month in USD: in all, and after what AWS gives every account for nothing.
type priceOf func(fleet) (total, afterFree float64)

// priceList estimates with the built-in prices, by Basic Ingest as setup arranges it.
func priceList() priceOf {
	table := prices.Default()
	return func(f fleet) (total, afterFree float64) {
		b := table.Month(prices.Fleet{
			Devices: f.devices, MetricsPerDevice: f.metrics, Window: f.window, Form: f.form, BasicIngest: true,
		}.Month())
		return b.Total, b.AfterFree
	}
}
