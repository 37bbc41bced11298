package backoff_test

import (
	"context"
	"fmt"
	"time"

	"piway/shared/backoff"
)

// Retry until it works, or until ctx ends.
func ExampleBackoff_Wait() {
	connect := func(try int) bool { return try == 3 }

	wait := backoff.Backoff{Min: time.Millisecond, Max: time.Second}
	for try := 1; ; try++ {
		if connect(try) {
			fmt.Println("connected at try", try)
			wait.Reset() // the next outage begins with a short wait again
			return
		}
		if err := wait.Wait(context.Background()); err != nil {
			fmt.Println(err)
			return
		}
	}
	// Output: connected at try 3
}
