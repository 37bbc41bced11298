package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"piway/proof/world"
)

// What somebody can do with a password by sending messages.

// always publishes these in turn, on 64 connections.
func always(payloads ...string) attack {
	return func(ctx context.Context, a *attacker) {
		a.flood(ctx, 64, func(i int) func() []byte {
			return a.publishing(a.topic(i), func(n int) string { return payloads[(i+n)%len(payloads)] })
		})
	}
}

// bombs are arrays of as many samples as fit into a packet.
var bombs = always(
	"["+strings.Repeat("{},", 42_999)+"{}]",
	`{"run":"x","seq":1,"samples":[`+strings.Repeat("{},", 42_000)+"{}]}",
)

// deep are nested as far as a packet goes.
var deep = always(
	strings.Repeat("[", 127<<10),
	"["+strings.Repeat(`{"x":`, 20_000)+strings.Repeat("}", 20_000)+"]",
)

// huge are texts, numbers and lists that cost whoever reads them carelessly.
var huge = always(
	`[{"name":"`+strings.Repeat("x", 126<<10)+`","value":1}]`,
	`[{"name":"`+strings.Repeat(`\u0000`, 20_000)+`","value":1}]`,
	`[{"name":"x","value":`+strings.Repeat("9", 126<<10)+`}]`,
	`[{"name":"x","value":1e`+strings.Repeat("9", 1<<10)+`}]`,
	`[{`+strings.Repeat(`"name":"x",`, 10_000)+`"value":1}]`,
	`{"run":"x","seq":1,"samples":[`+strings.Repeat(`{"value":NaN},`, 8_000)+`"x"]}`,
)

// units that CloudWatch knows; not all.
var units = []string{
	"Seconds", "Bytes", "Bits", "Percent", "Count", "None", "Megabytes", "Gigabytes", "Terabytes", "Kilobits", "Megabits",
}

// minutes sends 990 samples a second, at different minutes and of different units, all of which may be sent to AWS.
func minutes(ctx context.Context, a *attacker) {
	a.flood(ctx, 1, func(i int) func() []byte {
		return a.publishing(a.topic(i), func(n int) string {
			if n > 1 {
				world.Wait(ctx, time.Second)
			}
			minute := time.Now().Unix() - 60*int64(90*n%14_000)
			return report("minutes", n, 990, func(k int) string {
				return fmt.Sprintf(`{"name":"x","unit":%q,"value":1,"time":%d}`, units[k%len(units)], minute-60*int64(k/len(units)))
			})
		})
	})
}

// report is one of n samples.
func report(run string, seq, n int, sample func(k int) string) string {
	all := make([]string, n)
	for k := range all {
		all[k] = sample(k)
	}
	return fmt.Sprintf(`{"run":%q,"seq":%d,"samples":[%s]}`, run, seq, strings.Join(all, ","))
}

// messages publishes on eight connections what payload makes of the number of the message.
func messages(payload func(i, n int) string) attack {
	return func(ctx context.Context, a *attacker) {
		a.flood(ctx, 8, func(i int) func() []byte {
			return a.publishing(a.topic(i), func(n int) string { return payload(i, n) })
		})
	}
}

// samples sends as many valid ones of this second as are taken.
var samples = messages(func(i, n int) string {
	now := time.Now().Unix()
	return report(fmt.Sprint("samples-", i), n, 1000, func(k int) string {
		return fmt.Sprintf(`{"name":"m%d","unit":"Count","value":%d,"time":%d}`, k%50, k, now)
	})
})

// runs sends each report as one of another run.
var runs = messages(func(i, n int) string {
	return report(fmt.Sprintf("run-%d-%d", i, n), 1+n%100, 1, func(int) string {
		return `{"name":"x","unit":"Count","value":1}`
	})
})

// wrong sends samples of which each is refused.
var wrong = messages(func(i, n int) string {
	return report(fmt.Sprint("wrong-", i), n, 1, func(int) string {
		return fmt.Sprintf(`{"name":"x\n%d","unit":"Furlongs","value":1}`, n)
	})
})

// jumps has numbers and clocks that leap.
var jumps = messages(func(_, n int) string {
	seqs := []string{"1", "9007199254740991", "2", "9007199254740990", "4503599627370496", "0", "-1", "1e300"}
	times := []int64{0, -1, 1, 14 * 86400, -14 * 86400, 1 << 40, -(1 << 40)}
	now := time.Now().Unix()
	clock := fmt.Sprintf(`"boot":"b%d","uptime":%d,"sent_uptime":%d,"sent":%d,"clock":%q`,
		n%3, n*7919%100_000, n*104_729%100_000, now+times[n%len(times)], []string{"synced", "unsynced"}[n%2])
	sample := fmt.Sprintf(`{"name":"x","unit":"Count","value":1,"time":%d}`, now+times[(n/7)%len(times)])
	return fmt.Sprintf(`{"run":"jumps","seq":%s,%s,"samples":[%s]}`, seqs[n%len(seqs)], clock, sample)
})

// names has a name of its own for each sample, by turns in the cloud and on the LAN; and is another machine each time.
var names = messages(func(i, n int) string {
	text := report(fmt.Sprint("names-", i), n, 500, func(k int) string {
		return fmt.Sprintf(`{"name":"metric %d %d %d","unit":"Count","value":1}`, i, n, k)
	})
	if n%2 == 0 {
		return text
	}
	return strings.Replace(text, `"samples":`, fmt.Sprintf(`"attributes":{"serial":"%d","card %[1]d":"x"},"samples":[],"local":`,
		n), 1)
})
