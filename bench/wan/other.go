//go:build !linux

package wan

import (
	"errors"
	"net/netip"
)

// Here are the parts that only Linux has, for the package to compile elsewhere.

type (
	namespace struct{}
	tun       struct{}
	carrier   struct{}
)

func newNamespace() (*namespace, error) {
	return nil, errors.New("network namespaces are Linux's: run this there, or in a virtual machine or container with it")
}

func (*namespace) do(f func() error) error { return f() }
func (*namespace) close() error            { return nil }

func openTUN(*namespace, netip.Addr, Config) (*tun, error) { return nil, nil }
func (*tun) close() error                                  { return nil }

func startCarrier(*Network) (*carrier, error) { return nil, nil }
func (*carrier) stop() error                  { return nil }
