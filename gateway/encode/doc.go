// Package encode packs datums into messages that fit AWS IoT Core, in one of two forms.
//
// Its promise: pure functions, and every message is within the limits of IoT Core and CloudWatch, so that none is
// refused for its form. Each datum is in exactly one message, in order.
//
// # Two forms
//
// In the metric form
//
//   - a message is one datum;
//   - the rule is SELECT * with the action cloudwatchMetric;
//   - the name tells devices apart: "cpu usage (kitchen)";
//   - one value of a window goes, by rollup.rules;
//   - late samples make a second datum, which CloudWatch averages or adds;
//   - AWS charges for each datum a message, a rule, an action and a call of PutMetricData.
//
// In the emf form
//
//   - a message is as many datums as fit into 90 KB;
//   - the rule is SELECT VALUE *.batch with the action cloudwatchLogs and batchMode;
//   - the dimensions device and site tell devices apart;
//   - all values of a window go, unless a rule says otherwise;
//   - late samples make more values, which CloudWatch merges exactly;
//   - AWS charges for log bytes, and for few messages.
//
// A Form is a pure function from the next datums to one message and the number of datums in it. So a position is still
// the number of a datum, and a message is a range of numbers. Their order is the rollup's, in which devices take turns;
// CloudWatch Logs wants the events of a message by time, so they are sorted when it is written. The bound is 90 KB
// because the error action returns the payload in base64, which must stay under 128 KB. Beside what the rule selects,
// each message says how many samples of which device are in it: CloudWatch does not see that, and the error action
// brings it back.
package encode
