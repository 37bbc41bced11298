package storage

import (
	"context"
	"path/filepath"
	"strings"

	"piway/agent/collect/host"
	"piway/agent/collect/reading"
)

// Card says which SD card or eMMC this is, the first if there are several, so that a swapped card is noticed,
// and two machines with clones of one are told apart.
func Card(ctx context.Context, out *reading.Found) error {
	for _, dir := range mmcs(ctx) {
		of := func(name string) string { return reading.Attribute(host.Trimmed(filepath.Join(dir, name))) }
		if card := describeCard(of("name"), of("manfid"), of("oemid"), of("date"), of("serial")); card != "" {
			out.Say("card", card)
			return nil
		}
	}
	return host.ErrAbsent
}

// describeCard returns what is known of a card in one line, "" if nothing is.
func describeCard(name, maker, oem, date, serial string) string {
	var parts []string
	for _, p := range []struct{ before, text string }{
		{"", name}, {"manufacturer ", maker}, {"OEM ", oem}, {"date ", date}, {"serial ", serial},
	} {
		if p.text != "" {
			parts = append(parts, p.before+p.text)
		}
	}
	return reading.Attribute(strings.Join(parts, ", "))
}
