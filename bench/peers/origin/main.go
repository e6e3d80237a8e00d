//go:build linux

// Command origin is the app behind the proxies that package peers compares: it
// answers as quickly as a single thread can, so that the proxy is what is measured.
// It keeps to one epoll loop and looks at no more of a request than it must; it
// trusts whoever speaks to it.
//
//	GET  /           1 KiB
//	POST /           1 KiB, when the body has come
//	GET  /replay     a replay to region ord; at the second address: 1 KiB
//	GET  /stream     100 MiB
//	GET  /tunnel     101, and what is sent comes back
//
// It prints the two addresses it listens on, that of ams and that of ord.
package main

import (
	"fmt"
	"os"
	"runtime"
)

func main() {
	runtime.LockOSThread()
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "origin:", err)
		os.Exit(1)
	}
}

func run(out *os.File) error {
	l, err := newLoop()
	if err != nil {
		return err
	}
	defer l.close()
	near, err := l.listen(false)
	if err != nil {
		return err
	}
	home, err := l.listen(true)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, near, home)
	return l.serve()
}
