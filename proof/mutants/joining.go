package main

// ofJoining are of who is let in by an invitation, and of where the gateway says that it is.
var ofJoining = []mutant{
	{
		"join: a wrong secret is told apart from an unknown id", "gateway/join/handler.go",
		"a.wrong = r.Why == WrongID || r.Why == WrongSecret;", "a.wrong = r.Why == WrongID;",
		"./gateway/join", "TestWrong_same",
	},
	{
		"join: right tokens are counted", "gateway/join/handler.go",
		"joined, err := s.cfg.Join(c.host, id, secret, key)", "s.limits.wrong(c.host)\n\tjoined, err := s.cfg.Join(c.host, id, secret, key)",
		"./gateway/join", "TestServe_many",
	},
	{
		"join: a guest's nonsense keeps his neighbours out", "gateway/join/handler.go",
		"if s.limits.isVoid(id) {", "if s.limits.isVoid(id) || s.limits.wrong(c.host) > 0 {",
		"./gateway/join", "TestWrong_address",
	},
	{
		"join: wrong secrets may be tried without end", "gateway/join/limits.go",
		"return ok && n >= maxSecrets", "return ok && n < 0",
		"./gateway/join", "TestWrong_secrets",
	},
	{
		"join: unknown ids are kept", "gateway/join/handler.go",
		"case WrongSecret:", "case WrongSecret, WrongID:",
		"./gateway/join", "TestWrong_flood",
	},
	{
		"join: the table of addresses grows", "gateway/join/limits.go",
		"if t.order.Len() >= t.max {", "if t.order.Len() < 0 {",
		"./gateway/join", "TestWrong_flood|TestTable",
	},
	{
		"join: each address of an IPv6 network has a measure", "gateway/join/limits.go",
		"bits = 64", "bits = 128",
		"./gateway/join", "TestWrong_IPv6",
	},
	{
		"join: one address holds all places", "gateway/join/places.go",
		"if held[o.host] > held[p.open[out].host] {", "if held[o.host] < held[p.open[out].host] {",
		"./gateway/join", "TestPlaces_silent",
	},
	{
		"join: nobody waits for the disk", "gateway/join/join.go",
		"	<-o.conn.ended\n", "",
		"./gateway/join", "TestServe_waitsForJoin",
	},
	{
		"join: another key with a used invitation is told quietly", "gateway/join/handler.go",
		"case Used:", "case Why(-1):",
		"./gateway/join", "TestServe_replay",
	},
	{
		"join: a client is shown the gateway's own errors", "gateway/join/handler.go",
		"text: failed,", "text: err.Error(),",
		"./gateway/join", "TestServe_failed",
	},
	{
		"join: any path will do", "gateway/join/handler.go",
		"case r.URL.Path != pairing.Path:", "case r.URL.Path == \"\":",
		"./gateway/join", "TestServe_refuses",
	},
	{
		"join: the guard is not told that a request is whole", "gateway/join/handler.go",
		"	c.whole()\n", "",
		"./gateway/join", "TestPlaces_whole",
	},
	{
		"guard: who has sent all that he had to makes room", "shared/guard/conn.go",
		"serve(t, func() { _ = c.judge() })", "serve(t, func() {})",
		"./shared/guard", "TestDoor_wholeKeepsItsPlace",
	},
	{
		"gateway: a replaced card stays connected", "gateway/gateway/pairing.go",
		"		g.broker.Disconnect(d.Name)\n", "",
		"./gateway/gateway", "TestGateway_replaces",
	},
	{
		"gateway: a stolen invitation looks like a full disk", "gateway/gateway/joining.go",
		"	{devices.ErrUsed, join.Used},\n", "",
		"./gateway/gateway", "TestGateway_pairs",
	},
	{
		"devices: who asks again with the key gets nothing", "gateway/devices/join.go",
		"	case i.Key != key:\n", "	case true:\n",
		"./gateway/gateway", "TestGateway_killedWhileJoining",
	},
	{
		"gateway: it is announced where nobody can connect", "gateway/gateway/joining.go",
		"if !ok || tcp.IP.IsLoopback() {", "if !ok {",
		"./gateway/gateway", "TestAnnounce",
	},
	{
		"where: a token holds addresses of a link", "gateway/where/addresses.go",
		"!ip.IsMulticast() && !ofLink(ip)", "!ip.IsMulticast()",
		"./gateway/where", "TestAddresses",
	},
	{
		"where: a token holds the bridges of containers", "gateway/where/addresses.go",
		"if rank >= ofContainers && len(found) > 0 {", "if rank < 0 {",
		"./gateway/where", "TestAddresses",
	},
}
