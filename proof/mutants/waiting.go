package main

// ofWaiting are of what waits for company on its way to the disk.
var ofWaiting = []mutant{
	{
		"queue: a report waits beyond the end of its pass", "gateway/queue/wait.go",
		"min(w.cfg.Linger, max(0, closes.Sub(at.wall)-beforeClosing))", "min(w.cfg.Linger, closes.Sub(time.Time{}))",
		"./gateway/queue", "TestQueue_waitsForNoClosing",
	},
	{
		"queue: who waits for an acknowledgement waits long", "gateway/queue/wait.go",
		"return w.devices[device] ||", "return age < 0 && w.devices[device] ||",
		"./gateway/queue", "TestQueue_busySender",
	},
	{
		"queue: a script waits like an agent", "gateway/queue/wait.go",
		`case e.Run == "" || e.Seq <= 1:`, `case e.Run == "" && e.Seq == 1:`,
		"./gateway/queue", "TestQueue_waits",
	},
	{
		"queue: a claim of a name waits", "gateway/queue/wait.go",
		"case len(e.Claims) > 0 ||", "case len(e.Claims) > 9 ||",
		"./gateway/queue", "TestQueue_waits",
	},
	{
		"queue: what waits is forgotten at the end", "gateway/queue/loop.go",
		"q.drain(work, ops)", "q.drain(work, nil)",
		"./gateway/queue", "TestQueue_settleSoon",
	},
	{
		"queue: a restart knows of an open pass what its row says", "gateway/queue/passes.go",
		"o.leased = o.last + lease", "o.leased = 1 << 62",
		"./gateway/queue", "TestQueue_leases",
	},
	{
		"uplink: a window that is nearly used waits", "gateway/uplink/serve.go",
		"pressed := 5*len(u.flight) > 4*u.cfg.Window", "pressed := len(u.flight) > 4*u.cfg.Window",
		"./gateway/uplink", "TestUplink_gathersPubacks$",
	},
	{
		"uplink: nobody hurries the source", "gateway/uplink/serve.go",
		"\t\tif pressed {\n\t\t\tu.src.Hurry()", "\t\tif pressed && u.due {\n\t\t\tu.src.Hurry()",
		"./gateway/uplink", "TestUplink_hurriesTheSource",
	},
}
