package ingress_test

import (
	"os/exec"
	"syscall"
)

// dieWithUs has a process killed when the test's process ends, however it does.
func dieWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
