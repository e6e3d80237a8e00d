//go:build !linux

package pgtest

import "syscall"

func attributes(user, syscall.Signal) *syscall.SysProcAttr { return nil }

func removeSharedMemory(string) {}

func memoryFolder() string { return "" }
