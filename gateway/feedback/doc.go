// Package feedback listens to what a topic rule's error action reports. IoT Core's PUBACK says only that the rules
// engine was given a message; what the rule's action then does with it is told in no other way (AWS IoT, Basic
// Ingest).
//
// Its promise: each failure that AWS reports is handed on, with a reason and a fix. It has a connection of its own,
// since IoT Core's quotas count what comes in and what goes out together, and it never stands in the way of the data:
// without the right to listen it says so once.
//
// # Closing the loop
//
// A PUBACK from AWS means that the rules engine was given the message. Whether the rule's action then succeeded is
// told only by the rule's error action, which republishes to `ERRORS_TOPIC/CLIENT`. `gateway/feedback` listens there,
// on a connection of its own, since the quotas count what goes out and what comes in together. A failure is booked as
// refused by cloud, at most what can have been sent, under one of a dozen reasons, each with a fix; a kind is logged at
// once and then counted for an hour. Documents that CloudWatch cannot read never reach an error action, so `encode` makes
// none. A rule that is not there has no error action either: the canary, a message that every rule must refuse, shows
// by its report that the rule is there and enabled. It makes no metric and no e-mail.
package feedback
