// Program piway-localcore is a stand-in for AWS IoT Core and CloudWatch on this machine: MQTT over mutual TLS, topic
// rules, metrics and logs in memory, and the bill. A gateway that works against it works against AWS, and nothing is billed.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // a container has no files of time zones, which the page's viewer may choose from
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "piway-localcore:", err)
		os.Exit(1)
	}
}
