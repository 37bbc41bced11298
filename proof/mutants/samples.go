package main

// ofSamples are of what a sample is, and of its way from the agent.
var ofSamples = []mutant{
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

	// finding, joining
	{
		"find: who is not proved is talked to", "agent/find/finder.go",
		"c := pki.Pinned(pins, nil)\n", "c := pki.Pinned(pins, nil)\n\tc.VerifyConnection = nil\n",
		"./agent/find", "TestFinder_passesOver",
	},
	{
		"find: anybody can say that the key is refused", "agent/find/finder.go",
		"mqttlink.ErrCertificate) && proved.Load()", "mqttlink.ErrCertificate)",
		"./agent/find", "TestFinder_refusedBeforeProof",
	},
	{
		"find: who shows the gateway's certificate is the gateway", "agent/find/finder.go",
		"\tc.GetClientCertificate = func(", "\tverify := c.VerifyConnection\n\tc.VerifyConnection = " +
			"func(s tls.ConnectionState) error { proved(); return verify(s) }\n\tc.GetClientCertificate = func(",
		"./agent/find", "TestFinder_replayedCertificate",
	},
	{
		"find: a device's key is shown by TLS 1.2", "agent/find/finder.go",
		"if by.Version < tls.VersionTLS13 {", "if by.Version == 0 {",
		"./agent/find", "TestFinder_replayedCertificate",
	},
	{
		"find: an agent that spoke TLS goes back to plain", "agent/find/finder.go",
		"case len(opt.Pins) == 0 && there:", "case false:",
		"./agent/find", "TestNew_neverBackToPlain",
	},
	{
		"find: a mark that cannot be read is none", "agent/find/memory.go",
		"return memory{}, true", "return memory{}, false",
		"./agent/find", "TestNew_neverBackToPlain",
	},
	{
		"find: the address is written at each connection", "agent/find/finder.go",
		" || m.same(f.memory)", "",
		"./agent/find", "TestFinder_remembers",
	},
	{
		"agent: a device with a key sends its password", "agent/agent/gateway.go",
		`if c.Gateway.KeyFile != "" {
		return ""`, `if false {
		return ""`,
		"./agent/agent", "TestPassword_notBesideAKey",
	},
	{
		"join: the secret is sent before the gateway is proved", "agent/join/ask.go",
		"cfg := pki.Pinned([]pki.Sum{pin}, nil)", "cfg := pki.Pinned([]pki.Sum{pin}, nil)\n\tcfg.VerifyConnection = nil",
		"./agent/join", "TestJoin_rogues",
	},
	{
		"join: an interrupted one begins with a new key", "agent/join/home.go",
		"if key, err = pki.LoadDeviceKey(path); errors.Is(err, fs.ErrNotExist) {",
		"_ = os.Remove(path)\n\tif key, err = pki.LoadDeviceKey(path); errors.Is(err, fs.ErrNotExist) {",
		"./agent/join", "TestJoin_killed",
	},
	{
		"join: the configuration is written before the gateway answers", "agent/join/join.go",
		"	answer, at, err := j.ask(ctx)",
		"	_ = j.configure(pairing.Answer{Device: \"x\"}, find.Place{Address: \"a:1\"})\n	answer, at, err := j.ask(ctx)",
		"./agent/join", "TestJoin_killed",
	},
	{
		"join: the old key goes before the new configuration is there", "agent/join/join.go",
		`	step("answered")`, `	j.tidy()
	step("answered")`,
		"./agent/join", "TestJoin_keepsTheOldKey",
	},
	{
		"join: an answer is read without end", "agent/join/ask.go",
		"bufio.NewReader(io.LimitReader(from, maxAnswer))", "bufio.NewReader(from)",
		"./agent/join", "FuzzAnswer|TestReadAnswer_bounded",
	},
	{
		"config: a list takes another key's lines along", "shared/config/set_list.go",
		"lines = slices.Delete(lines, n-1, n)", "lines = slices.Delete(lines, n-1, min(n+1, len(lines)))",
		"./shared/config", "TestSetList",
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
		"	if !g.devices.Admits(device) {\n		done(errNoDevice)", "	if false {\n		done(errNoDevice)",
		"./gateway/gateway", "TestGateway_removeDevice",
	},
	{
		"names: a change of the list is not in its file", "gateway/devices/change.go",
		"Invitations: l.invited, Changes: l.changes,\n", "Invitations: l.invited,\n",
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
		"how.SentUptime, host, e.LocalCount)", "how.SentUptime, host, 0)",
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
