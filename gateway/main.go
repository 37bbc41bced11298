// Program piway-gateway bridges the Raspberry Pis of a LAN to AWS CloudWatch through one AWS IoT Core certificate.
package main

import "piway/shared/cli"

func main() { program().Main() }

func program() cli.Program {
	return cli.Program{Name: "piway-gateway", Description: description, Commands: &commands{}}
}
