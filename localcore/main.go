// Program piway-localcore is a stand-in for AWS IoT Core and CloudWatch on this machine: MQTT over mutual TLS, topic
// rules, metrics and logs in memory, and the bill. A gateway that works against it works against AWS, and nothing is
// billed.
package main

import (
	_ "time/tzdata" // a container has no files of time zones, which the page's viewer may choose from

	"piway/localcore/localcore"
	"piway/shared/cli"
)

func main() { program().Main() }

func program() cli.Program {
	def := localcore.Default()
	return cli.Program{
		Name: "piway-localcore", Description: description, Commands: &commands{},
		Vars: map[string]string{
			"listen": def.Listen, "http": def.HTTP, "certs": def.Certs, "region": def.Region, "account": def.Account,
			"group": def.LogGroups[0],
		},
	}
}
