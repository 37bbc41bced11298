package prices_test

import (
	"fmt"

	"piway/shared/prices"
)

// What five Pis with four metrics each cost in a month, in each form.
func ExampleFleet_Month() {
	table := prices.Default()
	for _, form := range []string{prices.FormRecipe, prices.FormMetric, prices.FormEMF} {
		fleet := prices.Fleet{Devices: 5, MetricsPerDevice: 4, Form: form, BasicIngest: form != prices.FormRecipe}
		bill := table.Month(fleet.Month())
		fmt.Printf("%-6s  %5.2f USD, %5.2f after the free tier\n", form, bill.Total, bill.AfterFree)
	}
	// Output:
	// recipe  48.51 USD, 35.51 after the free tier
	// metric  14.90 USD,  3.26 after the free tier
	// emf      6.07 USD,  3.02 after the free tier
}
