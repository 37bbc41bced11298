// Package broker is IoT Core's message broker: MQTT 3.1.1 over mutual TLS, with its quotas. Its one promise: a PUBACK
// says that the rules engine was given the message, and not that an action succeeded; what a quota or the policy keeps
// out is never handed on, and counted.
//
// It is the only importer of mochi in this program. Its limits are those of "AWS IoT Core endpoints and quotas" for a
// connection (message broker and protocol limits), and of the developer guide, chapter MQTT.
//
// # Traps in mochi, and their guards
//
//   - The keep-alive is computed in 16-bit arithmetic: hook.go clamps it as AWS does.
//   - An unknown protocol level is refused with a code of MQTT 5, before any hook is asked: OnPacketEncode in hook.go
//     puts it right.
//   - OnPacketRead respects one error only: publish.go.
//   - OnSelectSubscribers is asked about shared subscriptions only, and OnACLCheck about filters and deliveries alike:
//     subscribe.go tells them apart.
//   - A client whose id is taken over may delete its successor from the list of clients: hook.go waits for its end.
//   - A will passes neither the ACL nor OnPublish: OnWill in hook.go drops one that the policy does not allow.
//   - One failed Accept ends the listener, sockets are not counted, nothing bounds the time before CONNECT, and a
//     panic ends the process: shared/guard stands in front.
package broker
