package edge_test

import (
	"fmt"
	"os"
	"testing"
)

// TestMain runs the tests, or is the machine of a test that kills it.
func TestMain(m *testing.M) {
	if orders := os.Getenv(mortalOrders); orders != "" {
		if err := beMortal(orders); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}
