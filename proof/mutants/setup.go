package main

// ofSetup are of what setting AWS up promises: no charge without a word, nothing of another's replaced.
var ofSetup = []mutant{
	{
		"setup: a dashboard that is charged for is made unasked", "gateway/setup/board.go",
		"case free || s.asked.Dashboard == BoardYes:", "case free || lines > 0:",
		"./gateway/setup", "TestSetup_dashboard_charged",
	},
	{
		"setup: no dashboard is no setup", "gateway/setup/board.go",
		"		s.say(\"  none: %v\", b.err)\n", "		return b.err\n",
		"./gateway/setup", "TestSetup_dashboard_denied",
	},
	{
		"setup: the stack of another machine is deployed over", "gateway/setup/deploy.go",
		"		if now != nil {", "		if false {",
		"./gateway/setup", "TestSetup_anotherMachineMeanwhile",
	},
	{
		"setup: under sudo the aws tool is root", "gateway/aws/cli.go",
		"	if c.As != nil {\n		c.As.become(cmd)", "	if false {\n		c.As.become(cmd)",
		"./gateway/aws", "TestCLI_runsAsTheCaller",
	},
}
