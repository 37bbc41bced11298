package main

// ofDevices are of who may connect.
var ofDevices = []mutant{
	{
		"devices: a password is taken without TLS", "gateway/devices/devices.go",
		" && known && (secure || d.Plain)", " && known",
		"./gateway/devices", "TestList_Add_plain",
	},
	{
		"devices: another key gets a used invitation", "gateway/devices/join.go",
		"	case i.Key != key:", "	case false:",
		"./gateway/devices", "TestList_Join",
	},
	{
		"devices: the key of a replaced card stays a good one", "gateway/devices/join.go",
		"		l.mark(was)", "		_ = was",
		"./gateway/devices", "TestList_Join_replace",
	},
	{
		"devices: a device that joins again by its key revokes it", "gateway/devices/join.go",
		"	if was.Key != key {", "	if true {",
		"./gateway/devices", "TestList_Join_refuses",
	},
	{
		"devices: who joined and is not on disk stays", "gateway/devices/join.go",
		"		l.invited, l.revoked = invited, revoked", "		_, _ = invited, revoked",
		"./gateway/devices", "TestList_Join_cannotWrite",
	},
	{
		"devices: the same answer again before it is on disk", "gateway/devices/join.go",
		"case l.unsure:", "case false:",
		"./gateway/devices", "TestList_Join_again_onDisk",
	},
	{
		"devices: a device takes another one's key", "gateway/devices/join.go",
		"case standing == Known && name != was.Name:", "case standing == Known && name == was.ID:",
		"./gateway/devices", "TestList_Join_refuses",
	},
	{
		"devices: a removed device's key is unknown again", "gateway/devices/change.go",
		"		l.mark(d)\n		l.removed", "		l.removed",
		"./gateway/devices", "TestList_revokedForEver",
	},
	{
		"devices: revoked keys are not in the file", "gateway/devices/change.go",
		"RevokedKeys: l.revoked, ", "",
		"./gateway/devices", "TestList_Revoke",
	},
	{
		"devices: a device that is revoked and not on disk comes back with its stages", "gateway/devices/key.go",
		"		l.cut[name] = d\n", "",
		"./gateway/devices", "TestList_Revoke_cannotWrite",
	},
	{
		"devices: a withdrawn invitation comes back with the stages", "gateway/devices/invite.go",
		"		l.void[i.ID], some = i.Name, true", "		some = true",
		"./gateway/devices", "TestList_Remove_invitation_cannotWrite",
	},
	{
		"devices: an invitation outlives a restart by a clock that was wrong", "gateway/devices/invite.go",
		"case i.Right && now.Right:", "case now.Right:",
		"./gateway/devices", "TestList_Join_expiry",
	},
	{
		"devices: an invitation outlives a restart by a clock that is wrong", "gateway/devices/invite.go",
		"case i.Right && now.Right:", "case i.Right:",
		"./gateway/devices", "TestList_Join_expiry",
	},
	{
		"devices: an invitation's hour is measured over restarts", "gateway/devices/invite.go",
		`i.Boot != "" && i.Boot == now.Boot`, `now.Boot != "-"`,
		"./gateway/devices", "TestList_Join_expiry",
	},
	{
		"devices: a mark in the file counts less than the key", "gateway/devices/parse.go",
		"d.Revoked, d.Key = k.At, pki.Sum{}", "_ = k",
		"./gateway/devices", "TestList_Inherit_marks",
	},
	{
		"devices: an earlier list has other ids at each start", "gateway/devices/parse.go",
		"d.ID, d.Plain = hex.EncodeToString(sum[:idSize]), true", "d.ID, d.Plain = newID(), len(sum) > 0",
		"./gateway/devices", "TestOpen_earlier",
	},
	{
		"devices: more than a hundred invitations are open", "gateway/devices/invite.go",
		"open > maxInvited {", "open > 10*maxInvited {",
		"./gateway/devices", "TestList_Invite_bounded",
	},
	{
		"ctl: who was revoked is invited again by a stack that starts again", "gateway/ctl/token.go",
		"all[n].Kind == devices.KindKey || all[n].State == devices.StateRevoked", "all[n].Kind == devices.KindKey",
		"./gateway", "TestInvite_file",
	},
	{
		"ctl: who has joined is invited again by a stack that starts again", "gateway/ctl/token.go",
		"all[n].Kind == devices.KindKey || all[n].State == devices.StateRevoked", "all[n].State == devices.StateRevoked",
		"./gateway", "TestInvite_file",
	},
	{
		"devices: the connections of a revoked device go on", "gateway/gateway/pairing.go",
		"	if g.devices.Has(name) {\n		g.broker.Disconnect(name)", "	if g.devices.Has(name) {\n		_ = g.broker.Disconnect",
		"./gateway/gateway", "TestGateway_revokeDevice",
	},
	{
		"devices: who joined keeps the connections of its password", "gateway/gateway/pairing.go",
		"		g.broker.Disconnect(d.Name)\n", "",
		"./gateway/gateway", "TestGateway_join",
	},
	{
		"devices: nobody knows who revoked a device", "gateway/gateway/pairing.go",
		"	g.recordLockout(ctx, \"revoke\", name, err)\n", "",
		"./gateway/gateway", "TestGateway_saysWho",
	},
}
