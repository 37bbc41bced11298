package sample_test

import (
	"fmt"

	"piway/shared/sample"
)

// A bad sample is refused with its fix, and its neighbour is taken.
func ExampleDecode() {
	m, err := sample.Decode([]byte(`[
		{"name": "garden soil", "unit": "None", "value": 31},
		{"name": "garden air", "unit": "Celsius", "value": "12.5"}]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range m.Report.Samples {
		fmt.Println("taken:", s.Name, s.Value, s.Unit)
	}
	for _, r := range m.Refused {
		fmt.Println("refused:", r.Name, "for its", r.Reason)
	}
	// Output:
	// taken: garden soil 31 None
	// refused: garden air for its unit
}

// A report is one line of JSON. The run and the number identify it if it comes again.
func ExampleReport_JSON() {
	line, err := sample.Report{
		Run: "k3x9", Seq: 1,
		Samples: []sample.Sample{{Name: "cpu usage", Unit: "Percent", Value: 12.5, Time: 1763791460}},
	}.JSON()
	fmt.Printf("%s %v\n", line, err)
	// Output:
	// {"run":"k3x9","seq":1,"samples":[{"name":"cpu usage","unit":"Percent","value":12.5,"time":1763791460}]} <nil>
}
