package main

import (
	"net"
	"strconv"
	"testing"
)

// TestTheAppsPortStaysFree: none of outgoing connections, which come and go, and none
// that somebody listens at.
func TestTheAppsPortStaysFree(t *testing.T) {
	for range 20 {
		addr := freeAddr()
		_, text, err := net.SplitHostPort(addr)
		if port, _ := strconv.Atoi(text); err != nil || port < 20_000 || port >= 30_000 {
			t.Errorf("%s, %v", addr, err)
		}
		if listens(addr) {
			t.Errorf("somebody listens at %s", addr)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !listens(l.Addr().String()) {
		t.Error("we listen, and it is not seen")
	}
}
