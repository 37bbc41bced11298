package main

import "slices"

// A mutant is a promise broken in one place, and the tests that must notice.
type mutant struct {
	name     string
	file     string
	old, new string // old is in the file exactly once
	pkg, run string // of go test
}

// table holds every mutant. Where code moves, its row follows; where a promise is made, a row is added.
var table = slices.Concat(ofDevices, ofJoining, ofKeys, ofMDNS, ofOwners, ofRenewal, ofSamples, ofSetup, ofWaiting, atTheGateway)

// atTheGateway are of what the gateway keeps, sends, and lets in.
var atTheGateway = []mutant{
	// store
	{
		"store: synchronous(NORMAL)", "gateway/queue/store/store.go",
		`"_synchronous":  {"FULL"}`, `"_synchronous":  {"NORMAL"}`,
		"./gateway/queue", "TestQueue_syncFails|TestQueue_powerCut",
	},
	{
		"store: the folder is not synced after a store took another's place", "gateway/queue/store/store.go",
		"err = o.Files.SyncDir(filepath.Dir(o.Path))", "_ = filepath.Dir",
		"./gateway/queue", "TestOpen_namesAreDurable",
	},
	{
		"store: a log is believed that may not be on the disk", "gateway/queue/store/store.go",
		"return writeBack(f, path+LogSuffix)", "return nil",
		"./gateway/queue", "TestOpen_writesTheLogBack",
	},
	{
		"store: work goes on after a failed sync", "gateway/queue/disk/disk.go",
		"d.mend = d.mend || store.Unsynced(err)", "d.mend = d.mend && store.Unsynced(err)",
		"./gateway/queue", "TestQueue_copiesOut|TestQueue_lyingDisk",
	},
	{
		"store: a checkpoint that failed is no error", "gateway/queue/loop.go",
		"if err := q.w.wal.Tend(ctx, q.w.now.mono); err != nil {",
		"if err := q.w.wal.Tend(ctx, q.w.now.mono); err != nil && q.disk.Mending() {",
		"./gateway/queue", "TestQueue_checkpointFails",
	},
	{
		"store: files that go away are not noticed", "gateway/queue/disk/place.go",
		"	case is == nil:\n", "	case is == nil && own && explained:\n		return nil\n	case is == nil && " +
			"!explained:\n		return nil\n	case is == nil:\n",
		"./gateway/queue", "TestQueue_filesGoAway",
	},
	{
		"store: what came by a wrong clock keeps its time", "gateway/queue/dating/dating.go",
		"at = known\n", "_ = known\n",
		"./gateway/queue", "TestRedate",
	},
	{
		"store: age is judged by a pass's name", "gateway/queue/bounds.go",
		"if newest >= before {", "if p.Start >= before {",
		"./gateway/queue", "TestBounds_maxAge_bySamples",
	},
	{
		"store: the oldest reports go, whoever's they are", "gateway/queue/shares/device.go",
		"if h[i].bytes != h[j].bytes {", "if h[i].bytes < 0 {",
		"./gateway/queue", "TestBounds_oneDeviceFills|TestBounds_manySmallReports",
	},
	{
		"store: what was seen is forgotten by the wall clock alone", "gateway/queue/seen/seen.go",
		"now-r.last > int64(Keep/time.Second) && (r.heard == 0 ||", "now-r.last > int64(Keep/time.Second) || (r.heard < 0 &&",
		"./gateway/queue/...", "TestSeen",
	},
	{
		"store: entries are tried on a full disk without room for the ballast", "gateway/queue/disk/disk.go",
		"if d.cfg.Ballast.Make() {\n\t\t\td.end()\n\t\t}", "d.cfg.Ballast.Make()\n\t\td.end()",
		"./gateway/queue", "TestQueue_fullDisk_ballastFirst",
	},
	{
		"store: done(nil) whatever the commit said", "gateway/queue/loop.go",
		"o.done(err)", "o.done(nil)",
		"./gateway/queue", "TestQueue_fullDisk",
	},
	{
		"store: a run that was heard again is still the oldest", "gateway/queue/seen/seen.go",
		"of.MoveToBack(r.place)", "_ = of",
		"./gateway/queue/seen", "TestSeen_bounded",
	},
	{
		"store: AWS may refuse more than was sent", "gateway/queue/ledger/ledger.go",
		"Reason: reason}, min(n, max(left, 0)))", "Reason: reason}, n)",
		"./gateway/queue/...", "TestLedger_AddRefusedByCloud|TestQueue_isAStore/Ledger",
	},
	{
		"store: dedupe off by one", "gateway/queue/seen/seen.go",
		"r.seqs.Has(seq)", "r.seqs.Has(seq - 1)",
		"./gateway/queue", "TestQueue_isAStore/Append_redelivery",
	},
	{
		"store: the fingerprint is ignored", "gateway/queue/next.go",
		"mark == fingerprint || !p.Begun() {", "mark == fingerprint || p.Start > 0 {",
		"./gateway/queue", "TestQueue_isAStore/Settle_positionSurvives",
	},
	{
		"store: finished without a fold", "gateway/queue/settle.go",
		"w.wakes, w.folds = true, true // so that no deleted report is still to be counted", "w.wakes = true",
		"./gateway/queue", "TestQueue_isAStore/(Settle|Append)",
	},
	{
		"store: replay forgets what was seen", "gateway/queue/books/books.go",
		"\t\tb.Last = id", "\t\tr.Run = \"\"\n\t\tb.Last = id",
		"./gateway/queue", "TestQueue_isAStore/Append_redeliveryAfterACrash",
	},
	{
		"store: no mark after a disk error", "gateway/queue/replace/mark.go",
		"case errors.Is(err, store.ErrDisk):\n\t\tsetMark(path, markCheck)", "case errors.Is(err, store.ErrDisk):",
		"./gateway/queue", "TestOpen_afterIOError",
	},
	{
		"store: the position is kept over a hole", "gateway/queue/salvage/passes.go",
		"return p.first == p.min &&", "return p.first > 0 || p.first == p.min &&",
		"./gateway/queue", "TestOpen_salvage_hole",
	},
	{
		"store: a pass in hand is thinned", "gateway/queue/thin/thin.go",
		"if inHand(p.Start) {", "if false {",
		"./gateway/queue", "TestThin",
	},
	{
		"store: no quick_check", "gateway/queue/store/store.go",
		"if verdict != \"ok\" {", "if verdict == \"\" {",
		"./gateway/queue", "TestQueue_Run_damaged|TestOpen_",
	},

	// uplink
	{
		"uplink: a failed delivery counts as acknowledged", "gateway/uplink/uplink.go",
		"return m.delivery.Err() == nil", "return true",
		"./gateway/uplink", "TestUplink_lostConnection_sendsAgain",
	},
	{
		"uplink: a denied publish is taken for another program with the client id", "gateway/uplink/short.go",
		"case u.settled == len(u.flight) || u.took:", "case true:",
		"./gateway/uplink", "TestUplink_noteShort",
	},
	{
		"gateway: what an agent kept of an earlier boot counts as a machine", "gateway/twins/twins.go",
		"case r.SentUptime == 0:", "case r.SentUptime < 0:",
		"./gateway/twins", "TestWatch_Heard",
	},
	{
		"gateway: an expired certificate keeps it from starting", "gateway/gateway/link.go",
		"certs.load(time.Time{})", "certs.load(time.Now())",
		"./gateway/gateway", "TestCertificates_notInTime",
	},
	{
		"localcore: the page answers to any name", "localcore/localcore/http.go",
		"all := onlyHosts(names, ", "_ = names\n\tall := (",
		"./localcore/localcore", "TestCore_hostNames",
	},
	{
		"uplink: the window is measured from the PUBACK", "gateway/uplink/serve.go",
		"case len(u.flight) < u.cfg.Window:", "case len(u.flight)-u.settled < u.cfg.Window:",
		"./gateway/uplink", "TestUplink_window",
	},
	{
		"uplink: nothing is sent again", "gateway/uplink/serve.go",
		"u.unsent = slices.DeleteFunc(slices.Clone(u.flight[u.settled:]), (*message).acked)", "u.unsent = nil",
		"./gateway/uplink", "TestUplink_lostConnection_sendsAgain|TestUplink_withheldPuback",
	},
	{
		"uplink: an overdue PUBACK is ignored", "gateway/uplink/serve.go",
		"now.After(m.deadline)", "now.IsZero()",
		"./gateway/uplink", "TestUplink_withheldPuback",
	},

	// broker
	{
		"broker: PUBACK on an error", "gateway/broker/report.go",
		"\t\tcase err != nil:\n", "\t\tcase err != nil && qos != 1:\n",
		"./gateway/broker", "TestBroker_publish",
	},
	{
		"broker: QoS 2 is completed on an error", "gateway/broker/hook.go",
		"if err == nil {\n\t\t\treturn packets.CodeSuccessIgnore", "if err == nil || s != nil {\n\t\t\treturn " +
			"packets.CodeSuccessIgnore",
		"./gateway/broker", "TestBroker_publish",
	},
	{
		"broker: nothing bounds the bytes in flight", "gateway/broker/flight.go",
		"return min(int64(n)+besides, bound)", "return 0 * min(int64(n)+besides, bound)",
		"./gateway/broker", "TestFlight|TestBroker_publish_bytesInFlight",
	},
	{
		"broker: a denied publish is not acknowledged", "gateway/broker/hook.go",
		"	if !s.mayReport(pk.TopicName) {",
		"	if !s.mayWrite(pk.TopicName) {\n		return pk, packets.ErrRejectPacket\n	}\n	if !s.mayReport(pk.TopicName) {",
		"./gateway/broker", "TestBroker_publish",
	},
	{
		"broker: a device writes where it likes", "gateway/broker/session.go",
		"return topic == s.samples ||", "return topic != noTopic ||",
		"./gateway/broker", "TestBroker_publish",
	},
	{
		"broker: a ninth connection costs the oldest place in the list", "gateway/broker/connect.go",
		"o.heard.Load() < stale.heard.Load()", "o.heard.Load() > stale.heard.Load()",
		"./gateway/broker", "TestBroker_connections",
	},
	{
		"broker: who claims a name counts as that device", "gateway/broker/connect.go",
		"\t\tif !in {\n", "\t\tif !in && o == s {\n",
		"./gateway/broker", "TestBroker_hostile_passwordLoop|TestBroker_connections",
	},

	{
		"broker: a revoked key goes on to its password", "gateway/broker/connect.go",
		"\tcase isRevoked:\n", "\tcase isRevoked && user == \"\":\n",
		"./gateway/broker", "TestTLS_changedWhileConnecting",
	},
	{
		"broker: a revoked key finishes its handshake", "gateway/broker/secure.go",
		"\tif !isRevoked {\n", "\tif !isRevoked || b != nil {\n",
		"./gateway/broker", "TestTLS_revokedKey",
	},
	{
		"broker: a key that is removed while its session is made stays", "gateway/broker/connect.go",
		"again != device || isRevoked {", "again == user && isRevoked {",
		"./gateway/broker", "TestTLS_changedWhileConnecting",
	},
	{
		"broker: sessions are resumed", "gateway/broker/secure.go",
		"SessionTicketsDisabled: true,\n\t\tClientAuth", "SessionTicketsDisabled: b == nil,\n\t\tClientAuth",
		"./gateway/broker", "TestTLS_oldVersionsAndResumption",
	},
	{
		"broker: a foreign certificate ends the handshake", "gateway/broker/secure.go",
		"tls.RequestClientCert", "tls.VerifyClientCertIfGiven",
		"./gateway/broker", "TestTLS_identity",
	},
	{
		"broker: every client is to offer our protocol", "gateway/broker/secure.go",
		"if slices.Contains(hello.SupportedProtos, joinProtocol) {",
		"if slices.Contains(hello.SupportedProtos, joinProtocol) || len(hello.SupportedProtos) > 0 {",
		"./gateway/broker", "TestTLS_protocols",
	},
	{
		"guard: who was admitted is a stranger when he comes back", "shared/guard/conn.go",
		"l.know(c.host)", "_ = c.host",
		"./shared/guard", "TestListener_know",
	},
	{
		"guard: who comes back waits behind strangers", "shared/guard/hands.go",
		"return comesBack", "return begins",
		"./shared/guard", "TestListener_know",
	},
	{
		"broker: a TLS port that is taken keeps plain devices out", "gateway/broker/doors.go",
		"if !b.wantsPlain() {", "if true {",
		"./gateway/broker", "TestDoors_tlsPortTaken_besidePlainDevices",
	},
	{
		"broker: the plain port is always open", "gateway/broker/doors.go",
		"return b.cfg.Listen != \"\" && (", "return b.cfg.Listen != \"\" || (",
		"./gateway/broker", "TestDoors_plainWhileNeeded",
	},
	{
		"broker: what a renamed device sends to its old topic is dropped", "gateway/broker/connect.go",
		"if sample.IsDeviceName(user) {", "if sample.IsDeviceName(user) && user == device {",
		"./gateway/broker", "TestTLS_renamedDevice",
	},

	// guard
	{
		"guard: nobody makes room", "shared/guard/pool.go",
		"\t\tcase (*first == nil || ", "\t\tcase false && (*first == nil || ",
		"./shared/guard", "TestListener_placesOfANetwork",
	},
	{
		"guard: who is being judged makes room", "shared/guard/pool.go",
		"if c.net != net || c.state != silent {", "if c.net != net {",
		"./shared/guard", "TestListener_judged",
	},
	{
		"guard: an address with logged-in devices has no more places than others", "shared/guard/pool.go",
		"&& l.hosts[c.host] == 0 && !l.evict(c.net)", "&& !l.evict(c.net)",
		"./shared/guard", "TestListener_placesOfAProxy",
	},
	{
		"guard: silence drives out who shakes hands", "shared/guard/pool.go",
		"case w.silents*4 >= l.nets[of],", "case w.silents < 0,",
		"./shared/guard", "TestHands_progressKeepsItsPlace",
	},
	{
		"guard: hellos drive out who has just come", "shared/guard/pool.go",
		"case w.silents*4 >= l.nets[of],", "case w.silents > 0,",
		"./shared/guard", "TestHands_newcomerBesideHellos",
	},
	{
		"guard: who come back behind one address make room for somebody with many", "shared/guard/pool.go",
		"l.nets[b] - credit[b] - l.nets[a] + credit[a]", "l.nets[b] - l.nets[a]",
		"./shared/guard", "TestHands_behindOneAddress",
	},
	{
		"guard: who stalls in a handshake keeps its slot", "shared/guard/hands.go",
		"\tif h.holds {\n", "\tif h.holds && (h.over || h.c.door.isClosed()) {\n",
		"./shared/guard", "TestHands_stalledHoldNoSlot",
	},
	{
		"guard: a ClientHello may be as long as it says", "shared/guard/hello.go",
		"\t\tcase at > maxHello:\n", "\t\tcase at > maxHello<<8:\n",
		"./shared/guard", "FuzzReadHello",
	},
	{
		"guard: a handshake may be as long as it likes", "shared/guard/hands.go",
		"\th.left -= n\n", "\th.left -= 0 * n\n",
		"./shared/guard", "TestHands_endless",
	},
	{
		"guard: Close waits for TLS's farewell", "shared/guard/conn.go",
		"\treturn c.raw.Close()\n", "\treturn c.Conn.Close()\n",
		"./shared/guard", "TestConn_Close_doesNotWait",
	},
	{
		"guard: a first packet may be as long as it says", "shared/guard/conn.go",
		"size > limit {", "size > limit && limit < 0 {",
		"./shared/guard", "TestListener_firstPacket",
	},

	// gateway
	{
		"forward: what expired is not remembered", "gateway/forward/inhand.go",
		"h.next = i + 1\n\th.pass.Expired.Add(i)", "h.next = i + 1",
		"./gateway/forward", "TestForward_",
	},
	{
		"forward: the position moves when a datum is handed out", "gateway/forward/inhand.go",
		"h.next = to\n\tfor", "h.next, h.pass.Next = to, to\n\tfor",
		"./gateway/forward", "TestForward_",
	},
	{
		"forward: a fingerprint without rollup.rules", "gateway/forward/forward.go",
		"set.Default, set.Rules,", "set.Default, \"\",",
		"./gateway/forward", "TestForward_fingerprint",
	},
	{
		"intake: what was paid for once is free for ever", "gateway/intake/allowance.go",
		"late := window == arrived || window == arrived-1", "late := true",
		"./gateway/intake", "TestIntake_Judge_rate_attacker",
	},
	{
		"intake: what was not kept is charged", "gateway/intake/allowance.go",
		"max(0, a.spent-float64(charged))", "max(0, a.spent)+0*float64(charged)",
		"./gateway/intake", "TestIntake_Judge_rate_failed",
	},
	{
		"forward: what is expired in the middle of a message goes with it", "gateway/forward/forward.go",
		"end < min(from+look, to) && f.expired(h.datums[end]) == \"\"", "end < min(from+look, to)",
		"./gateway/forward", "TestForward_expiredAnywhere",
	},
	{
		"rollup: a device has no bound", "gateway/rollup/cell.go",
		"len(c.points) > MaxKept || of.points > MaxDevice", "len(c.points) > MaxKept",
		"./gateway/rollup", "TestDatums_maxDevice",
	},
	{
		"rollup: a backlog goes in one turn", "gateway/rollup/order.go",
		"return bits.Len(uint(newer + 1))", "return bits.Len(uint(min(newer, 1) + 1))",
		"./gateway/rollup", "TestDatums_nobodyWaits",
	},
}
