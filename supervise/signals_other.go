//go:build !unix

package supervise

import (
	"os"
	"syscall"
)

func passed() []os.Signal { return []os.Signal{syscall.SIGHUP, syscall.SIGQUIT} }
