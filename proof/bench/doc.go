// Package bench measures what the gateway takes and what it costs, beside peers in the same run: make bench.
//
// # Sides
//
// Each is a process of its own, with a disk's folder of its own, on the machine that also makes the load. They take
// turns, every second round backwards, so that what else the machine does falls on all; figures are medians of the
// turns, ratios are of a turn. A report holds four samples of an agent's defaults, at QoS 1.
//
//	gateway           acknowledges when the report is on disk; no AWS answers
//	gateway, scripts  gets the same samples without run and seq, as from a script: it must not hold those for long
//	nats              NATS's JetStream speaking MQTT, sync_interval always: an fsync a report. A session that is away has
//	                  subscribed to all, as it would store nothing else
//	mosquitto         Debian's: acknowledges and forgets, as nobody has subscribed
//	library alone     the gateway's broker library with a hook that acknowledges and forgets
//
// NATS's server is built of tools/peers/go.mod. What is not there is left out, and the table says why.
//
// In the closed loop each connection has one report in flight, and sends the next at the PUBACK. In the open loop
// reports come at a rate, whatever becomes of the others; a side that has not caught up five seconds later is left out
// of the next turns. Processor time is that of the broker from the first turn to the last, and of the load beside it.
// Bars: 10 times NATS, 0.75 of the library alone, a p99 of 10 ms.
//
//	make bench BENCH='-args -help'                                        what can be asked for
//	make bench BENCH='-bench closed -sides nats -turns 9'                 NATS only, the closed loop only
//	make bench BENCH='-bench closed -conns 1000 -inflight 16 -sides lib'  the library under a heavier load
//
// # Measured
package bench
