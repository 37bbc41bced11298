package main

// ofMDNS are of what the local network is told, asked and believed.
var ofMDNS = []mutant{
	{
		"mdns: strangers are answered", "shared/mdns/announce.go",
		"if l.neighbour(from.Addr()) {", "if true {",
		"./shared/mdns", "TestAnnouncer_stranger",
	},
	{
		"mdns: no goodbye", "shared/mdns/announce.go",
		"_ = a.send(l, 0)", "_ = a.send",
		"./shared/mdns", "TestAnnouncer",
	},
	{
		"mdns: a flood is read", "shared/mdns/announce.go",
		"case a.heard.Wait(ctx) != nil:", "case false:",
		"./shared/mdns", "TestAnnouncer_flood",
	},
	{
		"mdns: a flood is announced to", "shared/mdns/announce.go",
		"more = wait(ctx, a.pause)", "more = true",
		"./shared/mdns", "TestAnnouncer_flood",
	},
	{
		"mdns: a flood is replied to", "shared/mdns/announce.go",
		"case a.replies.Allow():", "default:",
		"./shared/mdns", "TestAnnouncer_flood",
	},
	{
		"mdns: a new address is not announced", "shared/mdns/announce.go",
		"now[fmt.Sprint(p)] = p", "now[p.name] = p",
		"./shared/mdns", "TestAnnouncer_follows",
	},
	{
		"mdns: who hears a goodbye of two interfaces forgets the gateway", "shared/mdns/announce.go",
		"if len(speakers) < before {", "if len(speakers) > before {",
		"./shared/mdns", "TestAnnouncer_twoWays",
	},
	{
		"mdns: an error is told each time", "shared/mdns/announce.go",
		"if a.told[text] || ", "if ",
		"./shared/mdns", "TestAnnouncer_tellsOnce",
	},
	{
		"mdns: who knows another gateway is not answered", "shared/mdns/service.go",
		"== s.instance.String(), err", "!= \"\", err",
		"./shared/mdns", "TestService_read",
	},
	{
		"mdns: a goodbye is of others' services too", "shared/mdns/service.go",
		"if ttl != 0 { //", "if true { //",
		"./shared/mdns", "TestService_goodbye",
	},
	{
		"mdns: any pin fits", "shared/mdns/heard.go",
		"return slices.Contains(b.pins, lower(value))", "return value != \"\"",
		"./shared/mdns", "TestFind_adversaries",
	},
	{
		"mdns: a device is sent to another network", "shared/mdns/heard.go",
		"if !useful(a) || !b.l.neighbour(a) {", "if !useful(a) {",
		"./shared/mdns", "TestFind_adversaries",
	},
	{
		"mdns: one responder crowds out the others", "shared/mdns/find.go",
		"len(given) < maxOfOne && ", "",
		"./shared/mdns", "TestBrowse_crowd",
	},
	{
		"mdns: a flood of instances is remembered", "shared/mdns/heard.go",
		"known || len(h.fits) < maxNames", "true || known",
		"./shared/mdns", "TestBrowse_memory",
	},
	{
		"mdns: a flood of instances is asked for", "shared/mdns/find.go",
		"b.more[key] || len(b.more) >= maxMore", "b.more[key]",
		"./shared/mdns", "TestFind_flood",
	},
}
