package main

import "context"

// An attack goes on until ctx ends.
type attack func(ctx context.Context, a *attacker)

// A phase is one kind of hostility against a gateway of its own.
type phase struct {
	name    string
	attack  attack
	samples bool   // some of what is sent may come to AWS
	config  string // of the gateway, beside the usual one
	away    bool   // AWS is, while the attack goes on
}

// phases are all, in the order in which they run.
var phases = []phase{
	{name: "quiet", attack: func(ctx context.Context, _ *attacker) { <-ctx.Done() }},
	{name: "silent sockets, from the devices' address", attack: silent(1)},
	{name: "silent sockets, from 500 addresses", attack: silent(500)},
	{name: "CONNECTs less one byte", attack: almost},
	{name: "slowloris", attack: slow},
	{name: "giant CONNECT fields", attack: giants},
	{name: "other protocols", attack: others},
	{name: "password guessing", attack: guesses},
	{name: "TLS: greetings without end", attack: greetings},
	{name: "TLS: foreign certificates", attack: foreigners},
	{name: "TLS: garbage and slow bytes", attack: garble},
	{name: "TLS: revoked key, passwords in clear", attack: thieves},
	{name: "TLS: joining without a token", attack: joiners},
	{name: "malformed packets", attack: malformed},
	{name: "connection churn", attack: churn},
	{name: "topic and will tricks", attack: topics, samples: true},
	{name: "denied topics", attack: denied},
	{name: "subscriptions", attack: subscriptions},
	{name: "retained and QoS 2", attack: kept},
	{name: "JSON bombs", attack: bombs},
	{name: "deep JSON", attack: deep},
	{name: "huge JSON", attack: huge},
	{name: "refused samples", attack: wrong},
	{name: "minutes and units", attack: minutes, samples: true},
	{name: "samples without end", attack: samples, samples: true},
	{name: "thousands of runs", attack: runs, samples: true},
	{name: "seq and clock jumps", attack: jumps, samples: true},
	{name: "thousands of names", attack: names, samples: true},
	{name: "AWS away, queue full", attack: samples, samples: true, config: "queue: {max_bytes: 4MiB}\n", away: true},
}
