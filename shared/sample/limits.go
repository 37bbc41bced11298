package sample

import "unicode/utf8"

// What an agent's report may hold at most, and so the least that every gateway must take: a report with more samples
// than intake.max_samples is refused whole, and one larger than broker.max_packet ends the connection, each time again.
// Agents of all versions keep to it, so neither figure may ever grow: an agent that is to pack more must first be told
// by the gateway, see [Bounds].
//
// 500 samples are half an hour of four metrics every 15 s: a backlog of 13 days goes in 600 messages, and a Raspberry
// Pi of the first kind still encodes one in milliseconds.
const (
	ReportSamples = 500
	// ReportBytes is of the report as JSON, all included.
	ReportBytes = 48 << 10
	// PacketOverhead is what the MQTT packet of a report takes beside ReportBytes: fixed header and packet id (7
	// bytes) and the topic; and the envelope, which earlier agents did not count (400 bytes).
	PacketOverhead = 1 << 10
	// LeastPacket is the smallest bound of a packet with which a gateway takes every agent's reports.
	LeastPacket = ReportBytes + PacketOverhead
)

// ReasonSize is why a message is refused that holds more samples than the gateway takes.
const ReasonSize = "size"

// Limits bound what is put into one report.
type Limits struct {
	// Samples, and Bytes of the report as JSON. Both are above 0.
	Samples, Bytes int
}

// MaxLimits are those of an agent that was told nothing else.
func MaxLimits() Limits { return Limits{Samples: ReportSamples, Bytes: ReportBytes} }

// Min returns the smaller of both limits each.
func (l Limits) Min(m Limits) Limits {
	return Limits{Samples: min(l.Samples, m.Samples), Bytes: min(l.Bytes, m.Bytes)}
}

// Sizes of JSON as Report.JSON writes it; a test compares them with it.
const (
	// EnvelopeBytes is the most that a report takes beside its samples: the members' names, and their longest values
	// as the gateway takes them.
	EnvelopeBytes = 512
	// sampleBytes is {"name":,"unit":,"value":,"time":}, with the comma behind it.
	sampleBytes = 35
	// numberBytes is the longest number, -0.0000012345678901234567; timeBytes the longest of a time in this era.
	numberBytes = 25
	timeBytes   = 19
)

// MaxBytes is the most that a sample takes in a report's JSON, its comma included. What it takes is some bytes less.
func (s *Sample) MaxBytes() int {
	n := sampleBytes + textBytes(s.Name) + textBytes(s.Unit) + numberBytes + timeBytes
	if s.Time < 1 || s.Time > noEra {
		n += numberBytes - timeBytes
	}
	return n
}

// noEra is a time with more digits than timeBytes counts.
const noEra = 1e15

// textBytes is what a string takes in JSON at most, its quotes included.
func textBytes(s string) int {
	n := len(s) + 2
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ':
			n += len(`\u0000`) - 1
		case c == '"', c == '\\':
			n++
		case c >= utf8.RuneSelf:
			n += 2 // a byte that is no UTF-8 may become U+FFFD
		}
	}
	return n
}
