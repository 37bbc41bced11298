// Program piway-gateway bridges the Raspberry Pis of a LAN to AWS CloudWatch through one AWS IoT Core certificate.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"piway/shared/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, explain(err))
		os.Exit(1)
	}
}

// explain puts the hint of an error on a line of its own.
func explain(err error) string {
	text, hint := err.Error(), config.Hint(err)
	if hint != "" {
		text = strings.Replace(text, ", try: "+hint, "", 1) + "\ntry: " + hint
	}
	return "piway-gateway: " + text
}
