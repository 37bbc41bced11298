package gateway

import (
	"flag"
	"os"
	"testing"
)

// The tests wait for windows and for lines that come back more than they compute, so more of them run at a time than
// there are processors.
func TestMain(m *testing.M) {
	if os.Getenv(killAt) != "" {
		beKilled()
	}
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
