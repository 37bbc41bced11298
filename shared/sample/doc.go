// Package sample is the message on the LAN: its forms, its units and CloudWatch's limits on what is in it.
//
// Decode takes a payload apart and judges each sample by itself, so that a bad one never costs its neighbours.
// What depends on the sender or on the clock is judged by the gateway's intake.
//
// # What stays on the LAN
//
// A report has two lists: `samples`, and `local`, which are readings of now that the gateway shows and does not send
// on, unless a rule of it wants them. An earlier gateway ignores `local`, as all members that it does not know, and an
// earlier agent sends none, so no upgrade of either sends more to the cloud. Both lists count towards the bound of a
// message; where it is the local ones that are too many, they alone are refused. `attributes` say what the device is,
// within [MaxAttributes].
//
// # What is not JSON
//
// The JSON library stops at what is none, such as the bare NaN that Python writes. So the array of samples is split
// first, by its strings and brackets alone (`shared/sample/split.go`), and each element decoded by itself: what is wrong
// in one, a member twice or bad UTF-8 too, refuses that one. A message is refused whole, and counts as one, where it
// cannot be split, since a string or a bracket has no end, and where its envelope is not JSON. A split looks at each
// byte once and keeps nothing but the ends of elements, as many as may be taken; a message of more is counted to its
// end, as so many samples refused, and nothing of it is decoded. Of all refusals the first ten are kept in full, and the
// others counted by reason.
//
// # What is taken, and what is said of the rest
//
// A byte order mark, NULs around a message and white space around a name, a unit or a value are cut off
// (`scan/pad.go`). A time may be in seconds, in milliseconds or in ISO 8601 with a zone (`times.go`). Nothing else is
// guessed. A refusal names the member that was sent, its value and what to write; `shared/sample/advice` finds the
// words. It and this package stand on `shared/sample/scan`, which knows characters, and `shared/sample/datum`, which
// knows what CloudWatch takes.
//
// One member of a sample that is no JSON, such as NaN or 12,5 without quotes, is refused by that member; anything else
// that is none is refused as `json`. The words are only looked for when they are told.
//
// # Limits
//
// What an agent's report may hold stands in one place, `shared/sample/limits.go`: 500 samples, and 48 KiB of JSON, its
// envelope included. The agent packs by it, and the gateway's configuration refuses `intake.max_samples` and
// `broker.max_packet` below it. The figures never grow, since gateways rely on them; an agent that is to pack more has
// to be told so first.
//
// A gateway tells what it takes on `PREFIX/DEVICE/config`, as one JSON object whose unknown members an agent ignores.
// It is sent by the hook that the library calls before it grants the SUBSCRIBE, so an agent knows it before its first
// report. A gateway of an earlier version denies the topic (0x80), and the agent goes on with the figures above. It
// never packs more than they say nor less than 16 samples or 4 KiB, whatever it is told. A smaller bound holds for
// what was not handed out yet, so no report that a gateway may know ever changes.
//
// A report that is refused by its size all the same, by an earlier gateway with smaller bounds, goes in parts, and
// they in parts again:
//
//   - Too many samples are refused whole, told on `rejected` and acknowledged. The gateway writes a refusal before the
//     PUBACK, in one buffer, and the agent's link hears messages in the order of the wire
//     (`mqttlink.SubscribeInOrder`), so the agent knows when the PUBACK comes. Earlier gateways queue the refusal
//     before the commit and do not promise the order: behind a report that is larger than any before, the agent sends
//     them an empty one, and forgets the report at the PUBACK of that.
//   - Too many bytes end the connection. The oldest report under way then goes alone on the next connection, and from
//     the second time on behind an empty report, which takes the same way through the queue. When it has ended three
//     connections so, its size is to blame; what is as large is then taken apart unsent. A gateway that takes nothing,
//     with a full disk say, fails at the empty report and blames nothing.
//
// The parts have new numbers, since the gateway counts a refused report as seen; in a spool's file they replace the
// whole by one rename (`agent/spool/halve.go`). In the ledger its samples stay refused as `size` and are received
// again, so the account balances. The number of a report that only ended connections never arrives, and counts as
// missing after 14 days, though its samples came. A single sample that is refused is given up, and told.
package sample
