//go:build !linux

package supervise

import (
	"context"
	"errors"
	"syscall"
)

// knowsProcesses says that processes returns what there is.
const knowsProcesses = false

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

func processes() []process { return nil }

func (process) signal(syscall.Signal) {}

// Reap does nothing: on this system no program is a container's PID 1.
func Reap(context.Context) {}

func (r *running) ports() ([]uint16, error) { return nil, errors.ErrUnsupported }
