package main

// A mutant is a promise broken in one place, and the tests that must notice.
type mutant struct {
	name     string
	file     string
	old, new string // old is in the file exactly once
	pkg, run string // of go test
}

// table holds every mutant. Where code moves, its row follows; where a promise is made, a row is added.
var table = []mutant{
	// store
	{
		"store: synchronous(NORMAL)", "gateway/queue/store/store.go",
		`"synchronous(FULL)"`, `"synchronous(NORMAL)"`,
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
		"if err != nil || mark == fingerprint {", "if err != nil || mark == fingerprint || p.Start > 0 {",
		"./gateway/queue", "TestQueue_isAStore/Settle_positionSurvives",
	},
	{
		"store: finished without a fold", "gateway/queue/settle.go",
		"w.foldAndWake = true // so that no deleted report is still to be counted", "",
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
		"return onlyHosts(names, ", "_ = names\n\treturn (",
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
		"broker: PUBACK on an error", "gateway/broker/hook.go",
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
		"	if pk.TopicName == s.status ||",
		"	if !s.mayWrite(pk.TopicName) {\n		return pk, packets.ErrRejectPacket\n	}\n	if pk.TopicName == s.status ||",
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

	// guard
	{
		"guard: nobody makes room", "shared/guard/pool.go",
		"if c.net == net && c.state == silent && !unread(c.raw) {", "if c.net == net && c.state == silent && l.closed {",
		"./shared/guard", "TestListener_placesOfANetwork",
	},
	{
		"guard: who is being judged makes room", "shared/guard/pool.go",
		"c.state == silent && !unread(c.raw)", "!unread(c.raw)",
		"./shared/guard", "TestListener_judged",
	},
	{
		"guard: an address with logged-in devices has no more places than others", "shared/guard/pool.go",
		"&& l.hosts[c.host] == 0 && !l.evict(c.net)", "&& !l.evict(c.net)",
		"./shared/guard", "TestListener_placesOfAProxy",
	},
	{
		"guard: a first packet may be as long as it says", "shared/guard/conn.go",
		"size > limit {", "size > limit && limit < 0 {",
		"./shared/guard", "TestListener_firstPacket",
	},

	// sample
	{
		"sample: a bad one ends the message", "shared/sample/decode.go",
		"m.refuse(i, &w, local, reasonOf(err), err)\n", "m.refuse(i, &w, local, reasonOf(err), err)\n\t\t\treturn\n",
		"./shared/sample", "TestDecode",
	},
	{
		"sample: a time without a zone counts as UTC", "shared/sample/times.go",
		`case m[8] == "" && m[9] == "":`, `case m[8] == "" && m[9] == "" && false:`,
		"./shared/sample", "TestDecode_times_refused",
	},
	{
		"sample: a comma that may group thousands is a decimal comma", "shared/sample/advice/numerals.go",
		"case eitherComma.Matches(s):", "case false:",
		"./shared/sample", "TestDecode_values_ambiguous",
	},
	{
		"forward: what no clock could refuse as ahead is sent", "gateway/forward/forward.go",
		"case age < -sample.MaxAhead:", "case false:",
		"./gateway/forward", "TestForward_expires_future",
	},

	// agent, link
	{
		"agent: a report that was handed out grows", "agent/spool/spool.go",
		"last < g.first || last < g.handed || ", "last < g.first || ",
		"./agent/spool", "TestSpool_restart",
	},
	{
		"agent: a report is forgotten before its PUBACK", "agent/publish/session.go",
		"if err := acknowledged(ctx, f.delivery,", "p.src.Ack(f.pos)\n\t\t\tif err := acknowledged(ctx, f.delivery,",
		"./agent/publish", "TestPublisher_in_order",
	},
	{
		"link: a lost link counts as delivery", "shared/mqttlink/delivery.go",
		"before the end\n\t\treturn token.Error()\n\tdefault:\n\t\treturn l.Err()",
		"before the end\n\t\treturn token.Error()\n\tdefault:\n\t\treturn nil",
		"./shared/mqttlink", "TestLink_settled",
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

	// spool
	{
		"own: a link is followed", "agent/own/entry.go",
		"|syscall.O_NOFOLLOW", "",
		"./agent/own", "TestOpenPlain_race",
	},
	{
		"own: a file is as old as its date says", "agent/own/judge.go",
		"min(max(l.now.Sub(written), 0), l.most)", "max(l.now.Sub(written), 0)",
		"./agent/own", "TestFolder_clockIsSet|TestLook_age",
	},
	{
		"own: what is being written is refused", "agent/own/judge.go",
		"j.now.Sub(e.faultSince) >= unfinished", "j.now.Sub(e.faultSince) >= 0",
		"./agent/own", "TestFolder_halfWritten",
	},
	{
		"own: a file speaks for what the agent reads", "agent/own/judge.go",
		"case j.agents[name]:", "case j.agents[name] && false:",
		"./agent/own", "TestFolder_refusals",
	},
	{
		"own: a refusal is written through a link", "agent/own/refuse.go",
		"	temp, err := files.Temp(", "	if os.WriteFile(path, text, 0o600) == nil {\n		return nil\n	}\n	temp, err := files.Temp(",
		"./agent/own", "TestFolder_refusalIsNotALink",
	},
	{
		"agent: at the end a reading waits for its time", "agent/agent/spread.go",
		"	case <-s.hurry:\n", "",
		"./agent/agent", "TestSpread_backlogAndEnd",
	},
	{
		"agent: all devices speak at once", "agent/agent/spread.go",
		"sha256.Sum256([]byte(cfg.Name()))", "sha256.Sum256(nil)",
		"./agent/agent", "TestOffset_isSpread",
	},
	{
		"spool: the CRC is ignored", "agent/spool/line.go",
		"if got := crc32.Checksum(text, castagnoli); got != ",
		"if got := crc32.Checksum(text, castagnoli); got == 0 && got != ",
		"./agent/spool", "TestReadLines|TestSpool_damagedFiles",
	},
	{
		"spool: no fsync when a file is closed", "agent/spool/segment.go",
		"return errors.Join(f.Sync(), f.Close())", "return f.Close()",
		"./agent/spool", "TestSpool_powerCut",
	},
	{
		"spool: no fsync every 5 s", "agent/spool/keep.go",
		"if err := g.file.Sync(); err != nil {", "if err := error(nil); err != nil {",
		"./agent/spool", "TestSpool_powerCut",
	},
	{
		"spool: a new file's entry is not durable", "shared/files/files.go",
		"if err := f.SyncDir(filepath.Dir(path)); err != nil {", "if err := error(nil); err != nil {",
		"./agent/spool", "TestSpool_powerCut",
	},
	// names and their owners
	{
		"names: a removed device keeps its names", "gateway/queue/known/names.go",
		`"DELETE FROM owner WHERE device=?", "DELETE FROM metric`, `"DELETE FROM metric WHERE device=?", "DELETE FROM metric`,
		"./gateway/gateway", "TestGateway_removeDevice",
	},
	{
		"names: what is under way is judged beside a change of the list", "gateway/gateway/gateway.go",
		"	if !g.devices.Has(device) {\n		done(errNoDevice)", "	if false {\n		done(errNoDevice)",
		"./gateway/gateway", "TestGateway_removeDevice",
	},
	{
		"names: a change of the list is not in its file", "gateway/devices/change.go",
		"file{Devices: l.sorted(), Changes: l.changes}", "file{Devices: l.sorted()}",
		"./gateway/devices", "TestList_Rename",
	},
	{
		"names: the start does not tell the store what changed", "gateway/gateway/devices.go",
		"	changes := g.devices.Changes()\n", "	changes := g.devices.Changes()[:0]\n",
		"./gateway/gateway", "TestGateway_stoppedChanges",
	},
	{
		"names: who was taken off the list by hand keeps its names", "gateway/gateway/devices.go",
		"for _, name := range g.gone {", "for _, name := range g.gone[:0] {",
		"./gateway/gateway", "TestGateway_stoppedChanges",
	},
	{
		"names: a rename that is not on disk stays", "gateway/devices/names.go",
		"		l.drop(name)\n		l.put(was)\n", "		_ = was\n",
		"./gateway/devices", "TestList_Rename_cannotWrite",
	},
	{
		"names: an agent's reports are new under its new name", "gateway/queue/names.go",
		"w.books.Rename(old, name)", "w.books.Rename(name, old)",
		"./gateway/gateway", "TestGateway_renameDevice",
	},
	{
		"names: case tells owners apart", "gateway/intake/claims.go",
		"strings.ToLower(strings.TrimSpace(name))", "strings.TrimSpace(name)",
		"./gateway/intake", "TestIntake_Judge_case",
	},
	{
		"names: the template reserves nothing", "gateway/intake/owner.go",
		"of = in.cfg.Names.Devices(k, in.alike)", "of = in.cfg.Names.Devices(\"\", in.alike)",
		"./gateway/intake", "TestIntake_Judge_reservedByTemplate",
	},
	{
		"names: a start forgets what a device sends", "gateway/gateway/gateway.go",
		"		in.KnowMetric(device, last)\n", "		_ = last\n",
		"./gateway/gateway", "TestGateway_metricsOutliveAStart",
	},

	// local: what stays on the LAN
	{
		"local: a wildcard from before sends it", "gateway/rollup/rollup.go",
		"rule.Reduce == None || local && !rule.names(base)", "rule.Reduce == None",
		"./gateway/rollup", "TestSettings_StaysLocal",
	},
	{
		"local: it is acknowledged before it is counted on the disk", "gateway/queue/writer.go",
		"return rare || e.LocalCount > 0, nil", "return rare, nil",
		"./gateway/queue", "TestQueue_isAStore/Ledger_local",
	},
	{
		"local: what came with a stored one is forgotten by a kill", "gateway/queue/writer.go",
		"e.SentUptime, host, e.LocalCount)", "e.SentUptime, host, 0)",
		"./gateway/queue", "TestQueue_isAStore/Ledger_local",
	},
	{
		"local: its names have no bound", "gateway/intake/local.go",
		"if !known && !of.room(d.sinceBoot) {", "if !known && !of.room(d.sinceBoot) && device == \"\" {",
		"./gateway/intake", "TestIntake_Judge_localNames_bounded",
	},
	{
		"local: the agent's disk gets it", "agent/spool/spool.go",
		"reading.Run, reading.Local, reading.Attributes = s.cfg.Run, nil, nil", "reading.Run = s.cfg.Run",
		"./agent/spool", "TestSpool_keepsNothingLocal",
	},
	{
		"local: a report of another clock takes it along", "agent/publish/live.go",
		"r.Clock != l.reading.Clock ||", "",
		"./agent/publish", "TestPublisher_Live_anotherClock",
	},
}
