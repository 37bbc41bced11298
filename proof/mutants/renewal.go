package main

// ofRenewal are of the gateway's key for AWS, of who else has its client id, and of what another machine is given.
var ofRenewal = []mutant{
	{
		"pki: a key is replaced before its certificate is there", "shared/pki/renew.go",
		"both := append(append(bytes.TrimRight(old, \"\\n\"), '\\n'), fresh...)", "both := append(bytes.TrimRight(old, \"\\n\"), '\\n')",
		"./shared/pki", "TestRequest_TakePlace_killed",
	},
	{
		"setup: a new certificate is not tried", "gateway/setup/renew.go",
		`{"trying the new certificate", r.try},`, ``,
		"./gateway/setup", "TestRenew_newOneFails",
	},
	{
		"setup: the certificate of a renewal that was lost stays active", "gateway/setup/renew.go",
		`case r.stack.Outputs[r.into.output] != "":`, `case false:`,
		"./gateway/setup", "TestRenew_lostNewKey",
	},
	{
		"setup: a removal deactivates one certificate of two", "gateway/setup/slot.go",
		"ids = append(ids, id)", "ids = []string{id}",
		"./gateway/setup", "TestRenew_thenRemove",
	},
	{
		"setup: a renewal that has switched begins another", "gateway/setup/renew.go",
		"r.past = r.next.SameKey(r.request); r.past {", "r.past = r.next.SameKey(r.request); false {",
		"./gateway/setup", "TestRenew_brokenOff",
	},
	{
		"uplink: two of one client id go on as fast as they can", "gateway/uplink/uplink.go",
		"max(u.retry.Next(), u.Away()) - ", "u.retry.Next() - ",
		"./gateway/uplink", "TestUplink_await_sharedID",
	},
	{
		"uplink: poison counts as another program's doing", "gateway/uplink/short.go",
		"!closedByPeer(cause), explained(err):", "!closedByPeer(cause):",
		"./gateway/uplink", "TestUplink_noteShort",
	},
	{
		"uplink: a bad line counts as another program's doing", "gateway/uplink/short.go",
		"case lasted >= shortest, !closedByPeer(cause), ", "case lasted >= shortest, ",
		"./gateway/uplink", "TestUplink_noteShort",
	},
	{
		"uplink: an outage does not end the count", "gateway/uplink/uplink.go",
		"		u.noteNoLine(err)\n", "",
		"./gateway/uplink", "TestUplink_outage_endsTheCount",
	},
	{
		"feedback: it takes the other gateway's connection all the time", "gateway/feedback/feedback.go",
		"if l.cfg.Away != nil {", "if false {",
		"./gateway/feedback", "TestListener_away",
	},
	{
		"backup: the authority's key comes last", "gateway/backup/restore.go",
		"if f.Name == caKey {\n\t\treturn 0", "if f.Name == caKey {\n\t\treturn 2",
		"./gateway/backup", "TestRestore_killed",
	},
	{
		"backup: a link is a file", "gateway/backup/archive.go",
		"if h.Typeflag != tar.TypeReg {", "if false {",
		"./gateway/backup", "TestRead_refuses",
	},
	{
		"backup: a name may lead elsewhere", "gateway/backup/archive.go",
		"!goodName(f.Name) || seen[f.Name]", "seen[f.Name]",
		"./gateway/backup", "TestRead_refuses",
	},
	{
		"backup: devices of another gateway are replaced", "gateway/backup/restore.go",
		"n > 0 && !sameDevices(", "n < 0 && !sameDevices(",
		"./gateway/backup", "TestRestore_refuses",
	},
	{
		"backup: the AWS key is always in it", "gateway/backup/gather.go",
		"if withAWSKey {", "if withAWSKey || true {",
		"./gateway/backup", "TestGather",
	},
	{
		"backup: a gateway may run meanwhile", "gateway/backup/restore.go",
		"if errors.Is(err, datadir.ErrBusy) {", "if errors.Is(err, datadir.ErrBusy) {\n\t\terr = nil\n\t}\n\tif false {",
		"./gateway/backup", "TestRestore_refuses",
	},
}
