// Package uplink sends messages to AWS IoT Core over one connection with mutual TLS.
//
// Its promise: it stays inside every IoT Core quota, and it tells its source that a message is acknowledged only after
// IoT Core's PUBACK for it. Messages that were under way when a connection ended, or whose PUBACK did not come in time,
// are sent again in order. The window is measured from what the source has made durable, so a crash at any moment
// repeats at most a window of messages.
//
// # The window
//
// `uplink` keeps a flight: all messages from the last durable position to the last one published. A PUBACK from AWS
// only marks its message; the positions are made durable one transaction at a time (`forward.Forwarder.Acked`), and
// only then does the flight get shorter. If the window were measured from the PUBACKs instead, a slow disk would let
// any number of acknowledged datums gather that a crash forgets and sends again. Measured from the disk, a crash
// repeats at most `uplink.window` messages. So PUBACKs can be gathered: the source is told of some together, after
// SettleAfter or when most of the window is used, and takes its time unless the window is.
//
// PUBACKs count from the oldest on. When a connection ends, or one PUBACK is later than `ack_timeout`, everything not
// acknowledged is sent again in order on a new connection.
//
// # The rate
//
// AWS discards the 101st publish of a second without a word, by its own clock: a rate that is right when a message
// leaves may be wrong when it arrives, if the line held some up and lets them through together. A message arrives
// after it was sent and before its PUBACK. So message i is sent no sooner than a second after the PUBACK of message i
// − 100 (`uplink/pace.go`), and no second at AWS can hold more. The price is the round trip. A token bucket only
// spreads the messages over the second. `make drain` sends 20,000 datums so, against a stand-in that discards as AWS
// does: 99.8 messages a second, never more than 100 in any second, none throttled, lost or sent twice; in the `emf`
// form the same backlog goes in 56 messages.
//
// # Two lanes
//
// After an outage what arrives now goes first, and the backlog gets the rest of the rate. Lanes only choose the order
// of messages: a pass that closed just now is taken up even while an older one is being handed out, datum by datum,
// and since each pass has its own position both are durable. What a Pi kept while it had no gateway comes in one
// window, so a live pass may be long: one that is no longer live itself yields to the next. How far the backlog is,
// and how long it will take, is logged every half minute and shown by `ledger`.
//
// # A message that ends the connection
//
// AWS closes the connection after a publish that it denies, and says nothing; a client that only sends again loops for
// ever. So connections that end on the same oldest message are counted. After three, the next connection is used to
// find out (`uplink/examine.go`): another message goes first, then the suspect. If only the suspect ends the
// connection it is parked: it stays on the disk among what waits, marked in its pass by number, and does not hold up
// what is behind. Parked datums are tried again once a day, at each start, and when the settings that number them
// change. If everything ends the connection, it is the policy or the line: all is kept, and the statement that is
// missing is logged once. A policy of an earlier version allows another topic, which no FROM selects, and AWS
// acknowledges what it drops: the uplink goes there only after the canary was answered there (`uplink/topic.go`), and
// comes back when that is denied.
//
// Connections that end soon, one after the other, with no message to blame are what another program with the same
// client id does; that is told instead (`uplink/short.go`).
package uplink
