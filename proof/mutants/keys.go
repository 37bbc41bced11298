package main

// ofKeys are of who is who on the LAN, and of what a device and a gateway say to each other before they know that.
var ofKeys = []mutant{
	// pki
	{
		"pki: a key that is lost makes room for another authority", "shared/pki/authority.go",
		"if name, ok := a.later(); ok {", "if name, ok := a.later(); ok && false {",
		"./shared/pki", "TestOpenAuthority_wrongKey",
	},
	{
		"pki: another's key is the gateway's", "shared/pki/authority.go",
		"case SumOfCert(there) != a.pin:", "case SumOfCert(there) != a.pin && false:",
		"./shared/pki", "TestOpenAuthority_wrongKey",
	},
	{
		"pki: the key of a process that was killed is believed", "shared/pki/authority.go",
		"if _, ok := a.later(); ok {", "if true {",
		"./shared/pki", "TestOpenAuthority_(confirms|killed)",
	},
	{
		"pki: a key may be gone after a power cut", "shared/pki/create.go",
		"return syncDirs(f, filepath.Dir(path))", "_ = syncDirs(f, filepath.Dir(path))\n\treturn nil",
		"./shared/pki", "TestOpenAuthority_powerCut|TestMakeDeviceKey_powerCut",
	},
	{
		"pki: a key takes the place of another", "shared/pki/create.go",
		"err := os.Link(temp, path)", "err := os.Rename(temp, path)",
		"./shared/pki", "TestMakeDeviceKey",
	},
	{
		"pki: the server certificate is made anew each time", "shared/pki/serve.go",
		"if !slices.Equal(in, hostsOf(now.Leaf, a.pin)) {", "if len(in) > 0 {",
		"./shared/pki", "TestAuthority_Serve$",
	},
	{
		"pki: what could not be written is forgotten", "shared/pki/authority.go",
		"f.text, f.mode); err != nil {", "f.text, f.mode); err != nil {\n\t\t\ta.unsaved = nil",
		"./shared/pki", "TestAuthority_Serve_fullDisk",
	},
	{
		"pki: the pinned authority in the chain is enough", "shared/pki/pinned.go",
		"roots.AddCert(ca)", "roots.AddCert(ca)\n\troots.AddCert(leaf)",
		"./shared/pki", "TestPinned",
	},
	{
		"pki: a client's certificate is a gateway's", "shared/pki/pinned.go",
		"case !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth):", "case false:",
		"./shared/pki", "TestPinned",
	},
	{
		"pki: a certificate for whatever name is a gateway's", "shared/pki/pinned.go",
		"case !slices.Contains(leaf.DNSNames, ServerName(pin)):", "case false:",
		"./shared/pki", "TestPinned",
	},
	{
		"pki: the clock says who the gateway is", "shared/pki/pinned.go",
		"CurrentTime: now, ", "",
		"./shared/pki", "TestPinned",
	},
	{
		"pki: who is asked for a key may have none", "shared/pki/pinned.go",
		"c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return client, nil }",
		"c.Certificates = []tls.Certificate{*client}",
		"./shared/pki", "TestPinned_showsItsKey",
	},

	// pairing
	{
		"pairing: a token with a typing error is one", "shared/pairing/token.go",
		"case crc32.ChecksumIEEE(b) != sum:", "case crc32.ChecksumIEEE(b) != sum && false:",
		"./shared/pairing", "TestParseToken_mistyped",
	},
	{
		"pairing: a flag that is not known is passed over", "shared/pairing/token.go",
		"case b[0] != version || b[1] != 0:", "case b[0] != version:",
		"./shared/pairing", "TestParseToken_mistakes",
	},
	{
		"pairing: a token shows its secret in a log", "shared/pairing/token.go",
		`return fmt.Sprintf("token of invitation %x", t.ID[:])`, `return fmt.Sprintf("token of invitation %x %s", t.ID[:], t.Secret[:])`,
		"./shared/pairing", "TestToken_isNotShown",
	},
	{
		"pairing: a body may be as long as it likes", "shared/pairing/request.go",
		"io.ReadAll(io.LimitReader(r, MaxBody+1))", "io.ReadAll(r)",
		"./shared/pairing", "TestReadRequest_bound",
	},
	{
		"pairing: a key joins that its sender does not have", "shared/pairing/request.go",
		"if err := csr.CheckSignature(); err != nil {", "if err := csr.CheckSignature(); err != nil && false {",
		"./shared/pairing", "TestReadRequest_mistakes",
	},
	{
		"pairing: a key of any kind joins", "shared/pairing/request.go",
		"if !pki.IsOwnKind(csr.PublicKey) {", "if !pki.IsOwnKind(csr.PublicKey) && false {",
		"./shared/pairing", "TestReadRequest_mistakes",
	},
	{
		"pairing: an answer brings another authority", "shared/pairing/answer.go",
		"if pki.SumOfCert(cert) != pin {", "if pki.SumOfCert(cert) != pin && false {",
		"./shared/pairing", "TestReadAnswer_mistakes",
	},
	// guard
	{
		"guard: a stranger has the gateway write without end", "shared/guard/hands.go",
		"if h.over && !h.c.letIn.Load() {", "if false {",
		"./shared/guard", "TestHands_writesBeforeAdmission",
	},
	// broker
	{
		"broker: a key speaks in another device's name", "gateway/broker/connect.go",
		"s.identify(device, topicName(user, device), cl)", "device = topicName(user, device)\n\t\ts.identify(device, device, cl)",
		"./gateway/broker", "TestTLS_(anothersName|renamedDevice)",
	},
	{
		"broker: settings are those of the client id", "gateway/broker/notice.go",
		"h.b.cfg.Settings(s.device)))", "h.b.cfg.Settings(s.id)))",
		"./gateway/broker", "TestTLS_anothersName",
	},
	{
		"broker: a wrong password is in the log", "gateway/broker/connect.go",
		"args := []any{\"user\", user}", "args := []any{\"user\", user, \"password\", string(pk.Connect.Password)}",
		"./gateway/gateway", "TestGateway_showsNoSecret",
	},
	{
		"gateway: a device joins, and is not on disk", "gateway/devices/join.go",
		"	}); err != nil {\n\t\treturn Device{}, err\n\t}\n\treturn d, nil", "	}); err != nil {\n\t\treturn d, nil\n\t}\n\treturn d, nil",
		"./gateway/gateway", "TestOrders_listCannotBeWritten",
	},
	{
		"gateway: whoever is added under an invited name makes room", "gateway/devices/join.go",
		"case i.Of == \"\" && taken:", "case i.Of == \"\" && taken && false:",
		"./gateway/gateway", "TestOrders_addedMeanwhile",
	},
	{
		"gateway: a removed device stays connected", "gateway/gateway/devices.go",
		"	if !g.devices.Has(name) {\n\t\tg.broker.Disconnect(name)", "	if g.devices.Has(name) {\n\t\tg.broker.Disconnect(name)",
		"./gateway/gateway", "TestOrders_whileConnecting",
	},
	{
		"agent: the token is told", "agent/join/join.go",
		"j.say(\"Asking at %s (%s) …\", p.Address, wayOf(p.Way))",
		"j.say(\"Asking at %s (%s) with %s …\", p.Address, wayOf(p.Way), j.opt.Token)",
		"./agent/join", "TestJoin_showsNoSecret",
	},
}
